"""Raw maps laid on a slide: stitching, the slide view and the common colour scale."""
