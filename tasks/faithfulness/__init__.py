"""One file per faithfulness metric, and the plan that runs them together."""
