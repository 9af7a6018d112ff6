"""Raw maps and tile figures as files of other programs."""
