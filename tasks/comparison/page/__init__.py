"""The page comparison.md: its sections, tables and captions."""
