"""Nearest tiles: the training tiles most similar to a tile in a network's features."""

from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from tasks.exemplars._nearest import Described, NearestSearch
from tasks.exemplars._neighbours import ClassifiedTiles, Neighbours, neighbour_table, slide_table
from tasks.exemplars._strip import Strip, draw_strip
from tasks.exemplars._tiles import by_slide_id, features_and_logits, labelled
from tasks.exemplars.base import ExemplarError, ExemplarJob, Exemplars, Shown, ShownFile, table_file
from tasks.samples.readable_tiles import ReadableTiles

NEIGHBOURS, SLIDES = "neighbours.parquet", "slides.parquet"
_ALONE = "explained tiles without a training tile of another slide and patient"


class NearestTiles(Exemplars):
    """Shows the training tiles nearest to a tile in feature space, and how many share its predicted class.

    A feature is the mean of a channel of the last convolutional map; nearness is the cosine. Candidates are
    the readable training tiles with the label of a class, except those of the query's slide or patient, which
    would be similar for that reason alone. Queries without candidates are counted and reported. Candidates
    are processed in blocks and not kept, so memory grows with the explained tiles alone.

    Every explained tile is searched, not only those shown. Each slide has the share of neighbours labelled
    with the predicted class, and its chance level, the share of that class among the candidates. Ranks are
    discrete: two candidates whose cosines differ by rounding may change places between batch sizes.
    """

    source: ClassVar[str] = (
        "Rajani, Krause, Yin, Niu, Socher and Xiong (2020), arXiv:2010.09030 (nearest training examples as "
        "explanations); ours: cosine of mean features, exclusion by slide and patient, choice of queries, "
        "agreement beside its chance level"
    )

    neighbours: int = Field(default=5, ge=1, le=10)
    """Number of neighbours per tile."""
    queries_per_slide: int = Field(default=3, ge=1, le=12)
    """Number of shown tiles per slide: in turn the surest, the least sure and the most wrong."""

    def show(self, job: ExemplarJob) -> Shown:
        """Return one picture per slide, the table of neighbours and the agreement by slide.

        Raises:
            ExemplarError: no explained tile could be read, or no training tile has the label of a class.
        """
        found = self._found(job)
        queries = found.asked.queries(self.queries_per_slide)
        slides, neighbours = slide_table(found), neighbour_table(found, queries)
        files = {
            f"nearest_{slide}.png": _picture(Strip(found, chosen, slide, job.target, job.model_title), self)
            for slide, chosen in queries.items()
        }
        files[NEIGHBOURS] = table_file(
            neighbours, "one row a query that is shown and neighbour, nearest first"
        )
        files[SLIDES] = table_file(
            slides, "share of neighbours with the predicted class and its chance, by slide"
        )
        return Shown(files, {_ALONE: int(found.alone.sum())}, _measures(slides))

    def _found(self, job: ExemplarJob) -> Neighbours:
        asked, candidates = by_slide_id(job.explained), labelled(job)
        if not len(asked):
            raise ExemplarError(
                f"none of the {len(job.explained)} explained slides has a tile that can be read"
            )
        who, whom = _codes(asked, candidates, job.device)
        looked = list(features_and_logits(job, asked))
        features, answers = (torch.cat(parts) for parts in zip(*looked, strict=True))
        search = NearestSearch(Described(features, *who), self.neighbours, len(job.classes))
        logits = _searched(job, candidates, whom, search)
        return Neighbours(
            asked=ClassifiedTiles(asked, answers.double().cpu().numpy(), job.classes),
            candidates=ClassifiedTiles(candidates, logits.double().cpu().numpy(), job.classes),
            rows=search.rows.cpu().numpy(),
            cosines=search.cosines.cpu().numpy(),
            admitted=search.admitted.cpu().numpy(),
        )


def _searched(
    job: ExemplarJob, candidates: ReadableTiles, whom: tuple[Tensor, Tensor], search: NearestSearch
) -> Tensor:
    """Search all candidates and return their logits [N, K]."""
    labels = torch.from_numpy(candidates.label_indices(job.classes)).to(job.device)
    answers, first = [], 0
    for features, logits in features_and_logits(job, candidates):
        here = slice(first, first + len(features))
        search.add(Described(features, *(codes[here] for codes in whom)), labels[here])
        answers.append(logits)
        first = here.stop
    return torch.cat(answers)


def _codes(
    asked: ReadableTiles, candidates: ReadableTiles, device: str
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the slides and patients of both as numbers, int64, equal where the names are equal."""
    both = pd.concat([asked.table, candidates.table], ignore_index=True)
    numbers = [
        torch.from_numpy(pd.factorize(both[column])[0].astype(np.int64)).to(device)
        for column in ("slide_id", "patient_id")
    ]
    cut = len(asked)
    return (numbers[0][:cut], numbers[1][:cut]), (numbers[0][cut:], numbers[1][cut:])


def _picture(strip: Strip, method: NearestTiles) -> ShownFile:
    meaning = f"tiles of {strip.slide} with their {method.neighbours} nearest training tiles"
    return ShownFile(meaning, lambda path: draw_strip(strip).save(path))


def _measures(slides: pd.DataFrame) -> dict[str, float]:
    """Return the means over slides; none where no tile has a candidate."""
    known = slides.dropna(subset=["agreement"])
    if known.empty:
        return {}
    return {f"neighbour_{name}": float(known[name].mean()) for name in ("agreement", "chance")}
