"""What a study can say for a reporting checklist: from its file, its manifest and its artifacts."""
