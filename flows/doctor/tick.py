"""The flow of a test schedule: it leaves a file behind and is done."""

from pathlib import Path

from prefect import flow


@flow(name="tick")
def tick(file: str) -> None:
    """Make ``file``."""
    Path(file).touch()
