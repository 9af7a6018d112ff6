"""The search for the strength of weight noise that a network tolerates."""
