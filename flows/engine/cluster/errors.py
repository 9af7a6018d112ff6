"""What ends a run on a cluster. Neither imports Dask, which is an extra."""

from flows.engine.outcome import ArtifactsFailedError


class ClusterLostError(ArtifactsFailedError):
    """The scheduler or all workers are gone, or a worker differs from the run. What is stored is kept."""
