import logging

import pytest

from tests._support import toy_runs


@pytest.fixture(scope="session")
def scheduler():
    """An existing cluster of two workers, as somebody else might have started it, and its address."""
    import dask
    from distributed import LocalCluster

    patient = {"distributed.comm.timeouts.connect": "180s", "distributed.scheduler.worker-ttl": None}
    with dask.config.set({"distributed.scheduler.allowed-failures": 1, **patient}):
        cluster = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
        yield cluster.scheduler_address
        cluster.close()


@pytest.fixture
def make(manifest, tmp_path, scheduler, monkeypatch):
    """Run the three stages on the cluster."""
    toy_runs.install(monkeypatch.setattr)
    (tmp_path / "home").mkdir()

    def run(options=None, **resources):
        given = {"runner": "dask", "cluster": {"address": scheduler}, **resources}
        return toy_runs.run_toys(manifest, tmp_path / "home", options, **given)

    yield run
    toy_runs.all_stages.cache_clear()
