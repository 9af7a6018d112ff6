"""Runs that repeat: when they come due, one deployment per study and home, and what is told of a failure."""
