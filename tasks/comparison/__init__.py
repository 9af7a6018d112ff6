"""Arms side by side: performance, faithfulness and cost."""
