"""Slide models (multiple instance learning): networks that take a bag of features and give logits."""
