"""What others made and what others read: features, ready-made tiles and tables of labels."""
