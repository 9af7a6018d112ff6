"""Ready-made tile images as a slide: a list of them, their pixels, and a reader that pastes them."""
