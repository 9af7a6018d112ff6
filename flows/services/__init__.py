"""MLflow, Prefect and a worker, kept running on this machine for as long as one command lives."""
