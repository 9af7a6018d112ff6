"""Manifest, reader, resolution policy, annotations; the only importer of openslide."""
