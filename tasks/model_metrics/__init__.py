"""What is measured on a network itself, without an explainer: one file a metric."""
