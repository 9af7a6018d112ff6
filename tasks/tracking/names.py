"""Names and values as MLflow allows them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_REFUSED = re.compile(r"[^A-Za-z0-9_\-. :/]")
RECIPE = "recipe."
"""Begins the tags that hold what other trackers call a param. Our own tags begin otherwise."""
_HASH = re.compile(r"[0-9a-f]{24,}")
_LONGEST_KEY = 250
_LONGEST_PARAM = 6000
_LONGEST_TAG = 7500


def key_of(name: str) -> str:
    """Return ``name`` with ``_`` for every character that MLflow refuses in keys."""
    return _REFUSED.sub("_", name).strip("/ ")[:_LONGEST_KEY]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested mappings and lists as ``{"a.b.0": "text"}``. Long texts are cut."""
    return {key_of(name): str(value)[:_LONGEST_PARAM] for name, value in _leaves(values, prefix)}


def without_hashes(params: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return params without digests, and those as ``{"recipe.<key>": digest}`` for tags.

    A digest is no axis of a chart. MLflow prints params above each picture, and one of 64 letters without a
    space makes the picture's box so wide that the picture leaves its card.
    """
    digests = {name: text for name, text in params.items() if _HASH.fullmatch(text)}
    kept = {name: text for name, text in params.items() if name not in digests}
    return kept, {f"{RECIPE}{name}": text for name, text in digests.items()}


def column_of(name: str) -> str:
    """Return ``name`` for the head of a table: MLflow shows no column whose name holds a dot."""
    return name.replace(".", " ")


def tag_text(text: str) -> str:
    """Return ``text``, cut with a mark where it is too long for a tag."""
    return text if len(text) <= _LONGEST_TAG else f"{text[:_LONGEST_TAG]}\n..."


def _leaves(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{prefix}.{number}")
    else:
        yield prefix, list(value) if isinstance(value, tuple) else value
