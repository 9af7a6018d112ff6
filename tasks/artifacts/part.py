"""A part is the smallest thing a stage makes: what it is made from, and hence what it is called."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest_of(value: Any) -> str:
    """Return 24 hex digits of the sha256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:24]


class Reference(BaseModel):
    """What a task returns: which artifact (``fingerprint``) and which bytes (``digest``)."""

    model_config = ConfigDict(frozen=True)

    kind: str
    fingerprint: str
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.fingerprint}/{self.digest}"


class Part(BaseModel):
    """One artifact to be had: its place in the study and everything that may change its numbers.

    ``label`` is its readable place in the study (``standard/seed0/gradient/slide_3``) and enters no
    hash. ``inputs`` maps a name to a :class:`Reference` written as text, or to ``sha256:...`` of a file.
    ``code`` maps a module to the hash of its syntax tree.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    label: str
    kind: str
    recipe: Mapping[str, Any]
    inputs: Mapping[str, str] = {}
    code: Mapping[str, str] = {}
    seed: int | None = None

    @property
    def fingerprint(self) -> str:
        """24 hex digits over kind, schema, recipe, inputs, seed and code."""
        return digest_of(
            {
                "kind": self.kind,
                "schema": SCHEMA_VERSION,
                "recipe": self.recipe,
                "inputs": self.inputs,
                "seed": self.seed,
                "code": self.code,
            }
        )
