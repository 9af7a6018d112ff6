"""Verbs (modules that Prefect runs) and nouns (packages that have never heard of Prefect)."""
