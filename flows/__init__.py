"""Orchestration only: the study, its stages and the command line."""
