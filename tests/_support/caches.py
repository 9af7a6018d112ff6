"""What commands that only read may write all the same."""

CACHES = {"work", "work/file_hashes.jsonl", "work/slide_facts.jsonl"}
"""What is known of input files may be kept, as reading them again may take hours."""
