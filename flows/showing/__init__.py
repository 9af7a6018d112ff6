"""A run is shown in Prefect while its server answers, and goes on without it."""
