"""Which rows of a manifest name one slide, whatever the files are called."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from tasks.slides.content import SlideContent, SlideInputs
from tasks.slides.manifest_lines import Problems
from tasks.slides.mirror import size_of
from tasks.slides.row import SlideRow

Rows = Mapping[int, SlideRow]
"""Rows by their number in the file."""


def suspects(rows: Rows, paths: Mapping[int, Path]) -> dict[int, Path]:
    """Return the slides whose bytes decide something: with a checksum, or of the size of another."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for number, path in paths.items():
        sizes[size_of(path) or 0].append(number)
    return {
        number: path
        for number, path in paths.items()
        if rows[number].sha256 is not None or len(sizes[size_of(path) or 0]) > 1
    }


def wrong_checksums(rows: Rows, contents: Mapping[int, SlideContent]) -> Problems:
    """Return a problem for each slide file that has another sha256 than its row says."""
    return [
        (
            number,
            f"the slide {rows[number].path!r} has sha256 {content.own}, "
            f"the manifest says {rows[number].sha256}",
        )
        for number, content in contents.items()
        if not content.problem and rows[number].sha256 not in (None, content.own)
    ]


def same_slides(
    rows: Rows, paths: Mapping[int, Path], contents: Mapping[int, SlideContent], inputs: SlideInputs
) -> Problems:
    """Return a problem for each row that names the slide of an earlier row.

    Two rows name one slide if all its bytes are equal, if both name a file of it, or if OpenSlide's
    quickhash-1, the size and sampled pixels are equal: a copy without its label is the same slide.

    Args:
        rows: the rows.
        paths: the slide files that are there.
        contents: the bytes of the slides that were read.
        inputs: looks into slide files.
    """
    twins = {number: content.digest for number, content in contents.items() if not content.problem}
    earlier = _first_of(_likenesses(paths, inputs)) | _first_of(twins)
    return [
        (
            number,
            _sentence(rows, (first, number), paths, inputs, same_bytes=twins.get(first) == twins.get(number)),
        )
        for number, first in sorted(earlier.items())
        if rows[number].slide_id != rows[first].slide_id
    ]


def _sentence(
    rows: Rows, pair: tuple[int, int], paths: Mapping[int, Path], inputs: SlideInputs, *, same_bytes: bool
) -> str:
    first, second = (rows[number] for number in pair)
    one, other = (paths[number] for number in pair)
    if one.resolve() != other.resolve() and other in {file for _, file in inputs.files(one)}:
        return (
            f"the slides {second.path!r} and, in row {pair[0]}, {first.path!r} are files of one slide; "
            "name it in one row, by any of its files"
        )
    if same_bytes:
        return f"slide {second.slide_id!r} has the same bytes as {first.slide_id!r} in row {pair[0]}"
    return (
        f"slide {second.slide_id!r} is the slide {first.slide_id!r} of row {pair[0]} in another file: "
        "openslide.quickhash-1, size and sampled pixels are equal; name it in one row"
    )


def _likenesses(paths: Mapping[int, Path], inputs: SlideInputs) -> dict[int, str]:
    """Return the likeness of each slide; where several have one, that and a hash of some pixels."""
    facts = inputs.facts(list(paths.values()))
    likeness = {number: facts[path].likeness for number, path in paths.items()}
    counts = Counter(likeness.values())
    return {
        number: f"{its} {inputs.sample_digest(paths[number])}" if counts[its] > 1 else its
        for number, its in likeness.items()
        if its is not None
    }


def _first_of(values: Mapping[int, str]) -> dict[int, int]:
    """Return {row: earliest row with the same value}, without rows that are the earliest themselves."""
    first: dict[str, int] = {}
    earliest = {number: first.setdefault(value, number) for number, value in sorted(values.items())}
    return {number: earlier for number, earlier in earliest.items() if earlier != number}
