"""Colours and pages: the drawing helpers that know nothing of slides."""
