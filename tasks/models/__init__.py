"""MONAI networks made safe to explain, and access to their features."""
