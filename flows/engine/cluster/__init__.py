"""A cluster of Dask: what the run does with it, and what its workers do."""
