"""Aggregators: rules that turn the predictions of a slide's tiles into one slide score."""
