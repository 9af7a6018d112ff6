"""The search for the strength of a training method at which its own quantity moves."""
