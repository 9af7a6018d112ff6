"""The engine: one plan of a study, and what runs it, tells where it stands and puts it on a schedule."""
