"""What a study hands to readers: pages, drawings and exports, with pseudonyms for patients."""
