"""Pseudonyms of patients: outside the store, a salted hash replaces each patient id."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any


def salted_hash(patient_id: str, salt: str) -> str:
    """Return 12 hex digits in place of a patient id. Without the salt the id cannot be guessed from them."""
    return hashlib.sha256(f"{salt}\n{patient_id}".encode()).hexdigest()[:12]


def without_patients(value: Any, patients: Iterable[str], salt: str) -> Any:
    """Return ``value`` (JSON-like) with every patient id, also inside a text, replaced by its hash.

    An id is found if no letter, digit, ``_``, ``-`` or ``.`` touches it. Keys of mappings are replaced too.
    """
    known = sorted((p for p in patients if p), key=len, reverse=True)
    if not known:
        return value
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, known))})(?![\w-]|\.\w)")
    return _replaced(value, pattern, salt)


def _replaced(value: Any, pattern: re.Pattern[str], salt: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda match: f"patient:{salted_hash(match.group(), salt)}", value)
    if isinstance(value, Mapping):
        return {_replaced(k, pattern, salt): _replaced(v, pattern, salt) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, pattern, salt) for item in value]
    return value
