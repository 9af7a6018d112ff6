"""What a study says of how it judges: aims, measures, explanations, intervals and checks."""

from collections.abc import Iterator

from tasks.comparison.recipe import ComparisonRecipe
from tasks.evaluate import EvaluateSection
from tasks.explain import ExplainSection
from tasks.plugins import Plugin
from tasks.reported.stored import StoredStudy, as_sentence, flat
from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.reporting.pseudonyms import without_patients
from tasks.train import TrainSection


def facts_of_methods(stored: StoredStudy, salt: str) -> Iterator[Fact]:
    """Yield the facts; ``salt`` hashes a patient whom a claim should name."""
    yield from _aims(stored, salt)
    yield from _subsets(stored)
    yield from _explanations(stored)
    yield from _metrics(stored)
    yield from _statistics(stored)
    yield from _robustness(stored)
    text = f"Study {stored.study.name} is planned from its study file: {stored.planned} artifacts."
    yield Fact("protocol", text, "the plan of the study")


def _aims(stored: StoredStudy, salt: str) -> Iterator[Fact]:
    recipe = stored.study.section(ComparisonRecipe)
    primary = recipe.primary or "none was named"
    yield Fact("aims", f"Primary endpoint named in the study file: {primary}.", stored.in_file("compare"))
    if recipe.claims:
        claims = [claim.model_dump(mode="json") for claim in recipe.claims]
        told = without_patients(claims, stored.study.patients, salt)
        lines = tuple(
            (str(each["id"]), str(each["source"]), f"{each['endpoint']}: {each['arm']} {each['expected']}")
            for each in told
        )
        table = FactTable(("claim", "source", "what it says"), lines)
        yield Fact("aims", "Claims that the study file names:", stored.in_file("compare.claims"), table)


def _subsets(stored: StoredStudy) -> Iterator[Fact]:
    section = stored.study.section(ExplainSection)
    splits, most = ", ".join(section.splits), section.most_tiles
    text = (
        f"Tiles of the splits {splits} are explained and evaluated, "
        f"{'all of them' if most is None else f'at most {most} per slide, drawn with a seed'}."
    )
    yield Fact("subsets", text, stored.in_file("explain"))
    if stored.summary is not None and stored.summary.explained:
        yield Fact("subsets", as_sentence(stored.summary.explained), stored.origin("compare"))


def _explanations(stored: StoredStudy) -> Iterator[Fact]:
    section = stored.study.section(ExplainSection)
    for text, plugins in (
        ("Explainers:", section.explainers),
        ("Controls, scored like explainers:", section.controls),
    ):
        if plugins:
            lines = tuple((each.id, each.kind, _settings(each), each.source) for each in plugins)
            table = FactTable(("id", "kind", "settings", "source of the method"), lines)
            yield Fact("explanations", text, stored.in_file("explain"), table)
    table = _sources(stored.study.section(EvaluateSection).metrics)
    yield Fact("explanations", "Faithfulness metrics of the explanations:", stored.in_file("evaluate"), table)


def _metrics(stored: StoredStudy) -> Iterator[Fact]:
    scores = dict.fromkeys(f"{row.metric}.{row.score}" for row in stored.rows if row.kind == "performance")
    if scores:
        yield Fact("metrics", f"Measures of prediction: {', '.join(scores)}.", stored.origin("compare"))
    measures = stored.study.section(EvaluateSection).model_metrics
    if measures:
        yield Fact(
            "metrics", "Measures of the network itself:", stored.in_file("evaluate"), _sources(measures)
        )


def _sources(plugins: tuple[Plugin, ...]) -> FactTable:
    lines = tuple((each.id, _settings(each), each.source) for each in plugins)
    return FactTable(("id", "settings", "source of the method"), lines)


def _settings(plugin: Plugin) -> str:
    return ", ".join(f"{name} {value}" for name, value in flat(plugin.model_dump(exclude={"name", "id"})))


def _statistics(stored: StoredStudy) -> Iterator[Fact]:
    summary = stored.summary
    if summary is None:
        return
    origin = stored.origin("compare")
    text = (
        f"Intervals cover {summary.confidence:.0%}: Student's t with training seeds and clusters both drawn "
        "at random, Satterthwaite's degrees of freedom. p values are corrected by Holm within each family."
    )
    yield Fact("statistics", text, origin)
    for note in (*summary.clustering, summary.pooling):
        if note:
            yield Fact("statistics", as_sentence(note), origin)
    text = f"Evaluated: {summary.tiles} tiles of {summary.slides} slides of {summary.patients} patients."
    yield Fact("sample_size", text, origin)
    found = [
        row.detectable for row in stored.rows if row.kind == "difference" and row.detectable == row.detectable
    ]
    if found:
        text = (
            f"True differences between arms of {min(found):.3f} to {max(found):.3f}, by endpoint, are found "
            "with a power of 0.8."
        )
        yield Fact("sample_size", text, origin)


def _robustness(stored: StoredStudy) -> Iterator[Fact]:
    seeds = stored.study.section(TrainSection).seeds
    folds = f", in each of {len(stored.study.folds)} folds" if stored.study.folds else ""
    text = f"Seeds per arm: {len(seeds)}{folds}. Intervals hold the spread between seeds."
    yield Fact("robustness", text, stored.in_file("train"))
