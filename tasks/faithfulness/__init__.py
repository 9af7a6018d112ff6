"""One file per faithfulness metric."""
