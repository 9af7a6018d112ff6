"""A report streamed to disk is, byte for byte, the one that whole tables give."""

import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import CURVES, INFO, SCORES, ReportInfo, ScoreInfo
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.spill import Spill
from tasks.evaluation.score_rows import ScoreRows
from tasks.evaluation.scored import Scored
from tasks.evaluation.units import UNIT_COLUMNS, Units
from tasks.faithfulness.base import UnitScores
from tests._support import whole_tables
from tests._support.report_units import SCORED, block, units

REPORT = ReportInfo(
    metric={},
    scores=tuple(ScoreInfo(name=name, direction="higher") for name in SCORED),
    excluded={},
    passes={},
    minimum_passes={},
)


def scored(slides: list[pd.DataFrame], blocks: list[UnitScores], buffer: int = 1 << 20) -> Scored:
    spill = Spill(1000)
    own, rows = Units(spill), ScoreRows(spill, buffer)
    for slide in slides:
        own.add(slide)
    for each in blocks:
        rows.add(each)
    return Scored(own, rows, REPORT, {"x": 1.0})


@pytest.mark.parametrize("buffer", [1, 2000, 1 << 20])
@pytest.mark.parametrize(
    ("slides", "blocks"), [((7,), (7,)), ((4, 9, 1), (4, 5, 4, 1)), ((300, 6), (200, 106))]
)
def test_its_files_are_those_of_whole_tables(tmp_path, slides, blocks, buffer):
    tables, given = units(slides), [block(count, seed) for seed, count in enumerate(blocks)]
    streamed, plain, held = tmp_path / "streamed", tmp_path / "plain", tmp_path / "held"
    for folder in (streamed, plain, held):
        folder.mkdir()
    found = scored(tables, given, buffer)
    assert found.write(streamed) == {"x": 1.0}
    everything = pd.concat(tables, ignore_index=True)[UNIT_COLUMNS]
    whole_tables.score_table(everything, SCORED, given).to_parquet(plain / SCORES, index=False)
    whole_tables.curve_table(everything, given).to_parquet(plain / CURVES, index=False)
    (plain / INFO).write_text(REPORT.model_dump_json(indent=1), encoding="utf-8")
    found.result().write(held)
    digests = {content_digest(list_payload(folder)) for folder in (streamed, plain, held)}
    assert len(digests) == 1


def test_no_unit_gives_an_empty_table_and_no_curve(tmp_path):
    nothing = scored([], [])
    nothing.write(tmp_path)
    assert pd.read_parquet(tmp_path / SCORES).empty
    assert not (tmp_path / CURVES).exists()
    assert nothing.result().curves is None


def test_units_and_scores_of_different_number_are_a_mistake():
    with pytest.raises(AssertionError, match="differ in number"):
        scored(units((3,)), [block(2, 0)]).result()
