"""The drawings of one explainer on one slide."""
