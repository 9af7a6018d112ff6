"""Tissue, grid, labels and the pixel store."""
