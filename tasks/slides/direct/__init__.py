"""Reading tiled TIFF slides without OpenSlide: the same bytes, each source tile decoded once."""
