"""Checks of this machine, this home and a study: what is right, what may go wrong, and what to do."""
