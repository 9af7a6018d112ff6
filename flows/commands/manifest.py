"""veritile manifest: manifests from the tables of labels of CLAM and Patho-Bench."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from flows.commands.tile_lists import pairs, split_fractions
from tasks.interchange.label_tables import LabelledSlides, ManifestJob, manifest_rows
from tasks.interchange.text_tables import write_manifest


def rows_job(
    path: str, are_features: bool, mpp: float | None, labels: str, fractions: str, seed: int
) -> ManifestJob:
    """Return how labelled slides become rows, from the words of the command line.

    Raises:
        UsageError: pairs or fractions that cannot be read.
    """
    column = "features" if are_features else "path"
    return ManifestJob(path, column, mpp, pairs(labels, "--labels"), split_fractions(fractions), seed)


def write(slides: LabelledSlides, job: ManifestJob, file: Path, console: Console) -> None:
    """Write the manifest, and print what was written and what a person should know."""
    rows, notes = manifest_rows(slides, job)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(file, rows)
    for note in notes:
        console.print(escape(note), soft_wrap=True)
    patients = len({row["patient_id"] for row in rows})
    console.print(f"wrote {file} of {len(rows)} slides of {patients} patients", soft_wrap=True)
