"""What an object store holds of each kind, listed once for many questions."""

import time
from collections import defaultdict
from collections.abc import Mapping

from tasks.artifacts.backends.bucket import Bucket, StoredObject
from tasks.artifacts.record import FILE_NAME, ArtifactRecord, parse_record

LATELY_S = 60.0
"""Seconds for which a listing may say that an artifact is there."""

Objects = dict[str, StoredObject]


class Listings:
    """Listings by kind and fingerprint, and the records by their tags, so that none is read twice."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._kinds: dict[str, tuple[float, Mapping[str, Objects]]] = {}
        self._records: dict[tuple[str, str], ArtifactRecord | None] = {}

    def of(self, kind: str, fingerprint: str, *, lately: bool = False) -> Objects:
        """Return the objects of one fingerprint.

        Args:
            kind: of the artifact.
            fingerprint: of the artifact.
            lately: a listing of the last minute will do, where it has the record.
        """
        if lately:
            objects = self._lately(kind).get(fingerprint, {})
            if pointer_of(kind, fingerprint) in objects:
                return objects
        return self._bucket.list(f"{kind}/{fingerprint}/")

    def of_kind(self, kind: str) -> Mapping[str, Objects]:
        """Return the objects of every fingerprint of a kind, as they are now."""
        return self._listed(kind)

    def record(self, kind: str, fingerprint: str, objects: Objects) -> ArtifactRecord | None:
        """Return the record among ``objects``; None where there is none that can be read."""
        name = pointer_of(kind, fingerprint)
        if name not in objects:
            return None
        key = (name, objects[name].tag)
        if key not in self._records:
            data = self._bucket.read(name)
            self._records[key] = None if data is None else parse_record(data, name)
        return self._records[key]

    def read_ahead(self, kind: str, listed: Mapping[str, Objects]) -> None:
        """Read the records of many fingerprints, several at a time."""
        wanted = {}
        for fingerprint, objects in listed.items():
            name = pointer_of(kind, fingerprint)
            if name in objects and (name, objects[name].tag) not in self._records:
                wanted[name] = objects[name].tag
        for name, data in self._bucket.read_all(list(wanted)).items():
            self._records[name, wanted[name]] = parse_record(data, name)

    def forget(self, kind: str) -> None:
        """List a kind anew when it is asked for next: something of it was changed."""
        self._kinds.pop(kind, None)

    def _lately(self, kind: str) -> Mapping[str, Objects]:
        asked, listed = self._kinds.get(kind, (0.0, {}))
        if time.monotonic() - asked > LATELY_S or not asked:
            listed = self._listed(kind)
            self.read_ahead(kind, listed)
        return listed

    def _listed(self, kind: str) -> Mapping[str, Objects]:
        asked = time.monotonic()
        listed: dict[str, Objects] = defaultdict(dict)
        for name, stored in self._bucket.list(f"{kind}/").items():
            pieces = name.split("/")
            if len(pieces) > 2:
                listed[pieces[1]][name] = stored
        self._kinds[kind] = asked, dict(listed)
        return dict(listed)


def pointer_of(kind: str, fingerprint: str) -> str:
    """Return the name of the record of an artifact."""
    return f"{kind}/{fingerprint}/{FILE_NAME}"
