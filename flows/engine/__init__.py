"""The engine: one plan of a study, and what runs it and tells how far it is."""
