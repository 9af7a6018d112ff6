"""ArtifactSpec: what one artifact is made from, and hence what it is called in the store."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator

SCHEMA_VERSION = 1
_AS_TEXT = re.compile(r"(\w+)/([0-9a-f]{24})/([0-9a-f]{24})")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest_of(value: Any) -> str:
    """Return 24 hex digits of the sha256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:24]


class Reference(BaseModel):
    """One stored artifact: which one (``fingerprint``) and which bytes (``digest``)."""

    model_config = ConfigDict(frozen=True)

    kind: str
    fingerprint: str
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.fingerprint}/{self.digest}"


def _from_text(value: Any) -> Any:
    """Read the form that records of the first edition hold: ``kind/fingerprint/digest``."""
    match = _AS_TEXT.fullmatch(value) if isinstance(value, str) else None
    return Reference(kind=match[1], fingerprint=match[2], digest=match[3]) if match else value


Input = Annotated[Reference | str, BeforeValidator(_from_text)]
"""A stored artifact, or ``sha256:...`` of an input file."""


class ArtifactSpec(BaseModel):
    """Everything that may change the bytes of one artifact.

    ``label`` is its readable key in the study and enters no hash. Of an input only the kind and the bytes
    enter the fingerprint: a stage that ran again and gave the same bytes makes nothing after it run.
    ``code`` maps a module to the hash of its syntax tree.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    label: str
    kind: str
    recipe: Mapping[str, Any]
    inputs: Mapping[str, Input] = {}
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
        return digest_of({**self._identity(), "schema": SCHEMA_VERSION, "code": self.code})

    @property
    def fingerprint_without_code(self) -> str:
        """24 hex digits over kind, recipe, inputs and seed: equal where nothing but code differs."""
        return digest_of(self._identity())

    @property
    def input_bytes(self) -> dict[str, str]:
        """What of each input enters the fingerprint: the kind and digest, or the hash of a file."""
        return {name: _bytes_of(item) for name, item in self.inputs.items()}

    def _identity(self) -> dict[str, Any]:
        return {"kind": self.kind, "recipe": self.recipe, "inputs": self.input_bytes, "seed": self.seed}


def _bytes_of(item: Reference | str) -> str:
    return item if isinstance(item, str) else f"{item.kind}/{item.digest}"
