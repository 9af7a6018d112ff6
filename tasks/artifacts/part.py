"""A part is the smallest thing a stage makes: what it is made from, and hence what it is called."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

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
    hash. ``inputs`` maps a name to a :class:`Reference` as text, or to ``sha256:...`` of a file; only
    the kind and the bytes of an input enter the fingerprint, so that a stage which ran again and gave the
    same bytes makes nothing after it run. ``code`` maps a module to the hash of its syntax tree.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    label: str
    kind: str
    recipe: Mapping[str, Any]
    inputs: Mapping[str, str] = {}
    code: Mapping[str, str] = {}
    seed: int | None = None

    @field_validator("recipe")
    @classmethod
    def _as_json(cls, value: Mapping[str, Any]) -> Any:
        # Tuples become lists here, so that a new recipe and a stored one compare equal.
        return json.loads(canonical_json(value))

    @property
    def fingerprint(self) -> str:
        """24 hex digits over kind, schema, recipe, inputs, seed and code."""
        return digest_of(
            {
                "kind": self.kind,
                "schema": SCHEMA_VERSION,
                "recipe": self.recipe,
                "inputs": {name: _bytes_of(text) for name, text in self.inputs.items()},
                "seed": self.seed,
                "code": self.code,
            }
        )


def _bytes_of(text: str) -> str:
    kind, _, rest = text.partition("/")
    return f"{kind}/{rest.rpartition('/')[2]}" if rest else text


@dataclass(frozen=True)
class Order:
    """What a flow hands to a verb: the part to make, its inputs by name, and where to work.

    ``force`` makes the part again although it is there; ``advance`` is told of every few items done.
    """

    part: Part
    inputs: Mapping[str, Reference]
    home: Path
    force: bool = False
    advance: Callable[[int], None] = lambda done: None


def under(inputs: Mapping[str, Reference], prefix: str) -> dict[str, Reference]:
    """Return the inputs whose names start with ``prefix``, by the rest of their names."""
    return {name.removeprefix(prefix): r for name, r in inputs.items() if name.startswith(prefix)}
