"""Explain tiles: a whole slide with resume, a batch, and what an explainer was calibrated to."""
