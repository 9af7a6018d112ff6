"""Paths of this machine in a study file: what is kept elsewhere holds names alone, as a study may move."""

from collections.abc import Collection
from pathlib import Path
from typing import Any


def with_names(value: Any, paths: Collection[str]) -> Any:
    """Return plain JSON with the last name of each of ``paths`` in its place.

    >>> with_names({"weights": "/a/uni.bin", "sides": ["/a/b", 3]}, {"/a/uni.bin"})
    {'weights': 'uni.bin', 'sides': ['/a/b', 3]}
    """
    if isinstance(value, dict):
        return {key: with_names(item, paths) for key, item in value.items()}
    if isinstance(value, list):
        return [with_names(item, paths) for item in value]
    return Path(value).name if isinstance(value, str) and value in paths else value
