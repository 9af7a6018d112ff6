"""One training step as regularizers see it: batch, network, BatchNorm, and the rank of this process."""
