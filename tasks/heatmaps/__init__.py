"""Stitching, overlays and exports."""
