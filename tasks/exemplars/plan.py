"""Run one method on one checkpoint: the network as found before and after, the payload written."""

from pathlib import Path

from tasks.artifacts.exemplar_set import INFO, ExemplarInfo
from tasks.exemplars.base import ExemplarJob, Exemplars
from tasks.functional.leave_as_found import leave_as_found
from tasks.plugins import recipe_of


def show_exemplars(exemplars: Exemplars, job: ExemplarJob, out: Path) -> dict[str, float]:
    """Write the payload of an ExemplarSet into the folder ``out`` and return the measures.

    Raises:
        ExemplarError: there is nothing to show.
    """
    with leave_as_found(job.model):
        shown = exemplars.show(job)
    info = ExemplarInfo(
        method=recipe_of(exemplars),
        meanings={name: file.meaning for name, file in shown.files.items()},
        excluded=shown.excluded,
    )
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    for name, file in shown.files.items():
        file.write(out / name)
    return dict(shown.measures)
