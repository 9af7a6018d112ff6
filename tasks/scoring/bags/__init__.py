"""Your own slide model and your own features: networks and files as they come."""
