"""Reporting checklists of journals: what a study says of each item, and what is left to its author."""
