"""The shared evaluation plan: all metrics of a checkpoint in one pass over the tiles."""
