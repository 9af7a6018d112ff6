"""Claims on simulated differences, judged by the functions that judge the claims of a study."""

from benchmarks.inference_setting import Setting
from tasks.comparison.claims.claim import Claim
from tasks.comparison.compare import with_holm
from tasks.comparison.job import ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import Row
from tasks.comparison.rows.claims import as_claim, judged
from tasks.comparison.rows.estimates import tested, with_detectable
from tasks.statistics.two_way import Estimate

LEVEL = 0.95
STANDARD, TREATED = "standard", "treated"
NINE = 9


MARGIN = 0.1
"""Far wider than most intervals, so that only one of the two one-sided tests is near its limit."""


def claim(number: int = 0, expected: str = "higher", margin: float = 0.0, primary: bool = True) -> Claim:
    """Return a claim on the difference of the two arms."""
    return Claim.model_validate(
        {
            "id": f"claim_{number}",
            "says": "the treated arm differs",
            "source": "simulated",
            "arm": TREATED,
            "against": STANDARD,
            "endpoint": f"map/metric.score_{number}",
            "expected": expected,
            "margin": margin,
            "primary": primary,
        }
    )


def job_of(*claims: Claim) -> ComparisonJob:
    """Return the study of ``claims``."""
    recipe = ComparisonRecipe(claims=claims, confidence=LEVEL)
    return ComparisonJob("simulated", (STANDARD, TREATED), ("normal", "tumour"), 1, (), (), recipe=recipe)


ALONE = job_of(claim())
"""One primary claim."""
TOLERANT = job_of(claim(margin=MARGIN))
"""One primary claim with a margin within which differences are as good as none."""
LOWER = job_of(claim(expected="lower", margin=MARGIN))
"""The same, of a difference below 0."""
FAMILY = job_of(*(claim(number, primary=False) for number in range(NINE)))
"""Secondary claims, corrected together."""


def row_of(one: Claim, found: Estimate, setting: Setting) -> Row:
    """Return the row of a claim with its test, as a comparison makes it."""
    _, metric, score = one.names
    blank = Row(
        kind="difference",
        arm=TREATED,
        against=STANDARD,
        explainer="map",
        metric=metric,
        score=score,
        direction="higher",
        value=float("nan"),
        cluster="patient",
        clusters=setting.patients,
        patients=setting.patients,
        seeds=setting.seeds,
        units=1,
    )
    return tested(as_claim(blank, one), found)


def judged_rows(job: ComparisonJob, found: list[Estimate], setting: Setting) -> list[Row]:
    """Return the rows of the claims of ``job`` with their verdicts, after Holm's correction."""
    rows = [row_of(one, each, setting) for one, each in zip(job.recipe.claims, found, strict=True)]
    return judged(with_holm(rows), job)


def judged_row(job: ComparisonJob, found: Estimate, setting: Setting) -> Row:
    """Return the row of the only claim of ``job``."""
    return judged_rows(job, [found], setting)[0]


def printed_detectable(row: Row) -> float:
    """Return the difference that the page prints as detectable beside a claim alone in its family."""
    return with_detectable([row], LEVEL)[0].detectable
