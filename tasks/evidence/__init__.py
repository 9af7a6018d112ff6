"""What a faithfulness metric may look at: tiles, masks and maps, opened slide by slide."""
