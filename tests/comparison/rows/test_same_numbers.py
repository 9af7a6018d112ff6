"""Every mean and difference of a made-up study, against a second implementation written out in loops."""

import dataclasses

import numpy as np
import pytest
from scipy import optimize, stats

from tasks.artifacts.faithfulness_report import SCORES, FaithfulnessReport
from tasks.comparison.compare import compared_rows
from tests._support.comparison_jobs import make_job, places


def with_gaps(job):
    """A tenth of the scores is missing."""
    reports = []
    for number, item in enumerate(job.reports):
        scores = item.report.scores
        missing = np.random.default_rng(number).random(len(scores)) < 0.1
        scores.assign(value=scores["value"].mask(missing)).to_parquet(item.report.folder / SCORES)
        reports.append(dataclasses.replace(item, report=FaithfulnessReport(item.report.folder)))
    return dataclasses.replace(job, reports=tuple(reports))


JOBS = {
    "few_clusters": make_job,
    "many_clusters": lambda folder: with_gaps(make_job(folder, table=places(slides=16, tiles=12))),
}


def scores_of(job, arm, explainer, score):
    """[(slide, value) of each unit] per seed."""
    tables = [
        item.report.scores[item.report.scores["score"] == score].set_index("unit_id")
        for item in sorted(job.reports, key=lambda item: item.seed)
        if (item.arm, item.explainer) == (arm, explainer)
    ]
    return tables[0]["slide_id"], np.stack([table["value"].reindex(tables[0].index) for table in tables])


def direct(slides, values):
    """Value, low, high and p of the two-way interval, slide by slide and seed by seed."""
    names, seeds = list(dict.fromkeys(slides)), len(values)
    count = len(names)
    cells = np.empty((seeds, count))
    for s in range(seeds):
        whole = np.nanmean(values[s])
        for c, name in enumerate(names):
            cells[s, c] = count * whole - (count - 1) * np.nanmean(values[s][(slides != name).to_numpy()])
    value = np.mean([np.nanmean(line) for line in values])
    centre = cells.mean()
    between_seeds = count * sum((cells[s].mean() - centre) ** 2 for s in range(seeds)) / (seeds - 1)
    between = seeds * sum((cells[:, c].mean() - centre) ** 2 for c in range(count)) / (count - 1)
    rest = sum(
        (cells[s, c] - cells[s].mean() - cells[:, c].mean() + centre) ** 2
        for s in range(seeds)
        for c in range(count)
    ) / ((seeds - 1) * (count - 1))

    def df(first):
        parts = [(first, seeds - 1)] * int(first > rest) + [(between, count - 1)] * int(between > rest)
        if len(parts) != 1:
            parts += [(rest, (seeds - 1) * (count - 1))]
        total = max(first - rest, 0) + max(between - rest, 0) + rest
        return total**2 / sum(square**2 / freedom for square, freedom in parts)

    def freedom(alpha):
        upper = between_seeds * (seeds - 1) / stats.chi2.ppf(min(0.25, 10 * alpha), seeds - 1)
        return max(1.0, min(df(between_seeds), df(upper)))

    error = np.sqrt((max(between_seeds - rest, 0) + max(between - rest, 0) + rest) / (seeds * count))
    reach = stats.t.ppf(0.975, freedom(0.05)) * error

    def excess(alpha):
        return stats.t.ppf(1 - alpha / 2, freedom(alpha)) * error - abs(value)

    p = optimize.bisect(excess, 1e-12, 1 - 1e-12, xtol=1e-15, rtol=1e-9) if excess(1e-12) > 0 else 0.0
    return value, value - reach, value + reach, p


@pytest.mark.parametrize("name", JOBS)
def test_rows_are_those_of_a_second_implementation(tmp_path, name):
    job = JOBS[name](tmp_path)
    rows, checked = compared_rows(job), set()
    for row in rows:
        if row.kind not in ("faithfulness", "difference", "against_control") or not row.explainer:
            continue
        slides, values = scores_of(job, row.arm, row.explainer, row.score)
        if row.kind == "difference":
            values = values - scores_of(job, row.against, row.explainer, row.score)[1]
        elif row.kind == "against_control":
            values = values - scores_of(job, row.arm, row.against, row.score)[1]
        value, low, high, p = direct(slides, values)
        assert (row.value, row.low, row.high) == pytest.approx((value, low, high), rel=1e-9, abs=1e-12)
        if row.kind != "faithfulness":
            assert row.p == pytest.approx(p, rel=1e-5, abs=1e-11)
        checked.add(row.kind)
    assert checked == {"faithfulness", "difference", "against_control"}
