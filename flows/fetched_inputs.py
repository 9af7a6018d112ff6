"""What is known of slides in an object store: each is fetched once, looked at and remembered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tasks.artifacts.journal import Journal
from tasks.slides.content import SlideContent
from tasks.slides.mirror import Mirror, mirror_of, on_disk
from tasks.slides.slide_facts import OPENED_WITH, SlideFacts
from tasks.study.errors import UsageError

_GB = 1e9


class Learned(NamedTuple):
    """What one fetch of a slide told.

    Attributes:
        content: its bytes.
        facts: what opening it says.
        files: its files with their names in the slide.
    """

    content: SlideContent
    facts: SlideFacts
    files: tuple[tuple[str, Path], ...]


class FetchedInputs:
    """Answers about files of a mirror.

    Args:
        journal: where they are kept.
        look: looks at a slide that is on the disk.
        sha256: hashes a file that is on the disk.
    """

    def __init__(
        self, journal: Journal, look: Callable[[Path], Learned], sha256: Callable[[Path], str]
    ) -> None:
        self._journal, self._look, self._sha256 = journal, look, sha256

    def learn(self, paths: Sequence[Path]) -> dict[Path, Learned]:
        """Return what is known of slides; those that nothing is known of are fetched, one after another.

        Raises:
            UsageError: the largest does not fit on the disk.
            StoreError: one cannot be fetched.
        """
        keys = {path: f"slide|{OPENED_WITH}|{_mirror(path).identity(path)}" for path in paths}
        kept = {path: self._journal.get(key) for path, key in keys.items()}
        refuse_no_room([path for path, told in kept.items() if told is None])
        learned: dict[Path, Learned] = {}
        for path, told in kept.items():
            if told is not None:
                learned[path] = _from_json(told, _mirror(path).files)
                continue
            with on_disk([path]):
                learned[path] = self._look(path)
            if not learned[path].content.problem and not learned[path].facts.problem:
                self._journal.put(keys[path], _as_json(learned[path], _mirror(path).files))
        return learned

    def kept(self, key: str, path: Path, ask: Callable[[Path], str]) -> str:
        """Return an answer about a slide, for which it is fetched once."""
        named = f"{key}|{_mirror(path).identity(path)}"
        told = self._journal.get(named)
        if told is None:
            with on_disk([path]):
                told = ask(path)
            self._journal.put(named, told)
        return str(told)

    def all_files(self, paths: Iterable[Path]) -> dict[Path, str]:
        """Return the hex sha256 of files."""
        return {path: self.kept("sha256", path, self._sha256) for path in paths}


def refuse_no_room(paths: Sequence[Path]) -> None:
    """Refuse slides of which the largest does not fit on the disk, before any is fetched.

    Raises:
        UsageError: naming it.
    """
    import shutil

    sizes = {path: _mirror(path).size(path) for path in paths}
    if not sizes:
        return
    largest = max(sizes, key=lambda path: sizes[path])
    mirror = _mirror(largest)
    room = shutil.disk_usage(mirror.files).free + mirror.room
    if sizes[largest] > room:
        raise UsageError(
            f"the slide {mirror.name(largest)} has {sizes[largest] / _GB:.1f} GB, and the disk of the "
            f"home has room for {room / _GB:.1f} GB; put the home on a larger disk (--home)"
        )


def _mirror(path: Path) -> Mirror:
    mirror = mirror_of(path)
    assert mirror is not None
    return mirror


def _as_json(learned: Learned, root: Path) -> dict[str, Any]:
    return {
        "content": list(learned.content),
        "facts": learned.facts.model_dump(mode="json"),
        "files": [[name, path.relative_to(root).as_posix()] for name, path in learned.files],
    }


def _from_json(told: Mapping[str, Any], root: Path) -> Learned:
    return Learned(
        SlideContent(*told["content"]),
        SlideFacts.model_validate(told["facts"]),
        tuple((name, root / path) for name, path in told["files"]),
    )
