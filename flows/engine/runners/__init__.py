"""Where builds run."""
