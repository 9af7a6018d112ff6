"""Metrics of a network itself, without an explainer: one file per metric."""
