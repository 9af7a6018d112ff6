"""From tiles to features: every usable tile of a slide goes through an encoder once."""
