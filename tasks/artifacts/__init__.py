"""The immutable things that pass between stages, their store and their fingerprint."""
