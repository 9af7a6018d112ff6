"""Batches, loop and checkpointing."""
