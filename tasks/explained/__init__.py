"""What of a study is explained: its section, and what the artifacts of a level have in common."""
