"""Names and values as MLflow allows them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_REFUSED = re.compile(r"[^A-Za-z0-9_\-. :/]")
_LONGEST_KEY = 250
_LONGEST_PARAM = 6000
_LONGEST_TAG = 7500


def key_of(name: str) -> str:
    """Return ``name`` with ``_`` for every character that MLflow refuses in keys."""
    return _REFUSED.sub("_", name).strip("/ ")[:_LONGEST_KEY]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested mappings and lists as ``{"a.b.0": "text"}``. Long texts are cut."""
    return {key_of(name): str(value)[:_LONGEST_PARAM] for name, value in _leaves(values, prefix)}


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
