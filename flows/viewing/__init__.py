"""The viewer: a server on this machine alone that shows studies over their slides at full resolution."""
