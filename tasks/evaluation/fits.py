"""Which metrics can score which explanations, said before anything runs."""

from collections.abc import Mapping, Sequence

from tasks.explainers.base import Explainer
from tasks.faithfulness.base import Metric
from tasks.samples.axes import INPUT_OF_SAMPLE, UNITS_OF_SAMPLE, Sample, refuse_misfit

_GIVERS: Mapping[Sample, str] = {
    "tile": "a study of level tile, whose models take tiles, has scores per",
    "bag": "a study of level slide, whose models take bags of features, has scores per",
}


def refuse_misfits(
    metrics: Sequence[Metric], explainers: Sequence[Explainer], classes: int, sample: Sample
) -> None:
    """Refuse metrics that cannot score the explanations or the samples of a study.

    Args:
        metrics: what is asked for.
        explainers: what is scored, controls too.
        classes: the number of classes.
        sample: what the models take as one input.

    Raises:
        ValueError: one cannot; the sentence says which.
    """
    for metric in metrics:
        refuse_misfit(
            where="evaluate.metrics",
            subject=f"metric {metric.id!r} gives scores per",
            takes=metric.units,
            giver=_GIVERS[sample],
            gives=UNITS_OF_SAMPLE[sample],
        )
        for explainer in explainers:
            metric.for_maps(explainer.map_kind, classes)
            refuse_misfit(
                where="evaluate.metrics",
                subject=f"metric {metric.id!r} scores values per",
                takes=metric.supports,
                giver=f"explainer {explainer.id!r} gives values per",
                gives={explainer.support_of(INPUT_OF_SAMPLE[sample])},
            )
            if "attribution" in metric.needs and explainer.wants_references:
                raise ValueError(
                    f"evaluate.metrics: metric {metric.id!r} asks the explainer again, and {explainer.id!r} "
                    "compares with bags of other slides, which are not kept; leave one of them out"
                )
