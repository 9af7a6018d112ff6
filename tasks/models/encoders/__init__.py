"""Encoders: networks that turn a tile into a vector of features, read from local files alone."""
