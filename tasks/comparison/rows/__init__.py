"""The rows of a comparison: performance, faithfulness and claims, pooled over folds."""
