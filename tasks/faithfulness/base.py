"""The base of all metrics: frozen recipes that name probes and reduce the answers to scores."""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field
from torch import Tensor, nn

from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.evidence.sources import EvidenceError
from tasks.functional.pooled_terms import PooledTerms
from tasks.plugins import Plugin, plugin_type
from tasks.samples.axes import MapKind, Removal, ScoreUnit, Support
from tasks.samples.inputs import Inputs

Need = Literal["forward", "attribution", "mask", "dataset"]
"""What a metric needs: the model, the explainer as a callable, a mask, or whole slides at once."""

AnyBlock: TypeAlias = Any
"""A :class:`tasks.evidence.block.Block`. A metric that declares one support may name the block it needs."""

KIND: Literal["kind"] = "kind"
"""Stands for what a setting is on maps of one kind, and another on maps of the other."""

ByKind = Mapping[str, Mapping[MapKind, str]]

ProbeKey = tuple[Hashable, ...]
Answers = Mapping[ProbeKey, Tensor]


@dataclass(frozen=True)
class Probe:
    """Changed inputs of a block whose answers a metric needs; probes of equal keys are run once.

    ``make(steps)`` returns the inputs of a slice of the ``count`` steps: images [s, n, C, H, W], or bags of
    features [s, n, N, D]. The answer is the logits [count, n, K]. Where ``explainer`` is named, it is that
    explainer's attributions: maps [count, n, H, W] or scores of tiles [count, n, N].
    ``targets`` int64 [n] are the classes explained, by default those of the block. ``within`` changes the
    network while the probe runs, and restores it bit for bit. ``pooled`` gives the same answer, as float64,
    from the terms of a network that pools; such a network is then asked for its terms once, and for nothing
    else.
    """

    key: ProbeKey
    count: int
    make: Callable[[slice], Inputs]
    explainer: str | None = None
    targets: Tensor | None = None
    within: Callable[[nn.Module], AbstractContextManager[object]] | None = None
    pooled: Callable[[PooledTerms], Tensor] | None = None


@dataclass(frozen=True)
class AttributionBlock:
    """The attributions of one explainer on a block.

    ``maps`` holds one value per element, [n, H, W] for pixels or [n, N] for tiles. ``elements`` bool [n, E]
    says which elements exist; None: all.
    """

    explainer_id: str
    maps: Tensor
    elements: Tensor | None = None

    @property
    def values(self) -> Tensor:
        """[n, E]: the maps as one row of elements per sample."""
        return self.maps.flatten(1)


@dataclass(frozen=True)
class UnitScores:
    """Named scores of n units; tensors stay on their device until the plan has ended.

    ``values`` and ``chance`` map a score to [n], ``errors`` to the standard error [n] that the metric's own
    random draws leave in it, ``curves`` a curve to [n, S] over ``fractions`` [S] or [n, S], and ``excluded``
    a reason to bool [n]: excluded units have a NaN value. ``sections`` names the units of a metric that
    scores sections; the units of the others are the samples of the block.
    """

    values: Mapping[str, Tensor]
    chance: Mapping[str, Tensor] = field(default_factory=dict)
    errors: Mapping[str, Tensor] = field(default_factory=dict)
    curves: Mapping[str, Tensor] = field(default_factory=dict)
    fractions: Tensor | None = None
    excluded: Mapping[str, Tensor] = field(default_factory=dict)
    sections: tuple[int, ...] = ()

    def mapped(self, change: Callable[[Tensor], Tensor]) -> "UnitScores":
        """Return the same scores with ``change`` applied to every tensor, in a fixed order."""
        return UnitScores(
            values={name: change(value) for name, value in self.values.items()},
            chance={name: change(value) for name, value in self.chance.items()},
            errors={name: change(value) for name, value in self.errors.items()},
            curves={name: change(value) for name, value in self.curves.items()},
            fractions=None if self.fractions is None else change(self.fractions),
            excluded={name: change(value) for name, value in self.excluded.items()},
            sections=self.sections,
        )


class Metric(Plugin):
    """Scores attributions; the score of a sample depends on it, its attribution and the recipe alone.

    A metric of samples fills in :meth:`score_block`, and :meth:`probes` where it needs the model. A metric of
    unit ``section`` fills in :meth:`score_slide`.

    Example:
        A map spread over four pixels has a high entropy, and one on a single pixel has none:

        >>> import torch
        >>> from tasks.faithfulness.entropy import Entropy
        >>> maps = torch.tensor([[[3.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]])
        >>> scores = Entropy().score_block(None, AttributionBlock("gradient", maps), {})
        >>> [round(value, 2) for value in scores.values["entropy"].tolist()]
        [0.9, 0.0]
    """

    package: ClassVar[str] = "tasks.faithfulness"
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile"})
    """What a score belongs to: ``tile`` or ``slide``, whatever a sample is, or ``section``."""
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel"})
    """The attributions that it can score."""
    removal: ClassVar[Removal | None] = None
    """How it takes elements away; None: it removes nothing."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    asks: ClassVar[Literal["sensitivity", "contribution", "either"]] = "either"
    """Which kind of map the metric judges fairly."""
    rivals: ClassVar[Rivals] = "all"
    """Which controls a map must beat. ``blind`` is for a metric that asks whether a map depends on the
    network: a control that holds an explainer depends on a network by construction, so being equalled by it
    means nothing. Only controls that see no network are then rivals."""

    by_kind: ClassVar[ByKind] = MappingProxyType({})
    """For each field that may be ``kind``, its value on maps of each kind."""

    labels: Literal["target", "all"] = "target"
    """Which tiles are scored: those labelled as the explained class, or all that could be read."""
    tiles_per_slide: int | None = Field(default=None, ge=1)
    """Largest number of scored tiles per slide, chosen by the hash of the tile id; None: all."""

    @property
    def masks(self) -> tuple[str, ...]:
        """The masks that it needs."""
        return ()

    @property
    def scores_sections(self) -> bool:
        """Whether it scores the sections of a slide rather than samples."""
        return "section" in self.units

    def for_maps(self, kind: MapKind | None, classes: int) -> Self:
        """Return this metric as it scores maps of one kind, made for a network of so many classes.

        Raises:
            EvidenceError: a field is ``kind``, and the kind of the maps is not stated (None).
        """
        asked = {field: values for field, values in self.by_kind.items() if getattr(self, field) == KIND}
        if asked and kind is None:
            field, values = next(iter(asked.items()))
            allowed = " or ".join(dict.fromkeys(values.values()))
            raise EvidenceError(
                f"metric {self.id!r} needs to know what the maps say ({field}: {KIND}); state their kind, "
                f"sensitivity or contribution, or set {field} to {allowed}"
            )
        assert kind is not None or not asked
        return self.model_copy(update={field: values[kind] for field, values in asked.items() if kind})

    @property
    def keeps_sign(self) -> bool:
        """Whether the sign of the map counts when elements are removed."""
        return False

    @property
    def sign(self) -> str:
        """What the metric does with the sign of a map, as half a sentence."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does with the sign")

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the meaning, direction and bounds of each score."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its scores mean")

    def probes(self, block: AnyBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the inputs to ask the model about; default: none."""
        return ()

    def minimum_forward(self) -> int:
        """Return the fewest images per tile that must go through the model, without sharing."""
        return 0

    def minimum_explained(self) -> int:
        """Return the fewest images per tile that must be explained again, without sharing."""
        return 0

    def score_block(self, block: AnyBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of the samples of a block."""
        raise NotImplementedError(f"{type(self).__name__} scores no samples")

    def score_slide(self, slide: Any, explainer_id: str) -> UnitScores:
        """Return the scores of the sections of a :class:`tasks.evidence.slide.SlideEvidence`."""
        raise NotImplementedError(f"{type(self).__name__} scores no sections")


class RankingMetric(Metric):
    """A metric that ranks elements, by the magnitude of their values or with the sign kept.

    A contribution below 0 is evidence against the target, so contributions are ranked ``signed``. A
    sensitivity says that the output changes, not that the pixel is evidence for the target: the gradient on
    a dark tumour nucleus is negative, since making it lighter lowers the margin. So sensitivities are ranked
    by ``magnitude``. Ranked by magnitude, the strongest evidence against the target would come first.
    """

    by_kind: ClassVar[ByKind] = MappingProxyType(
        {"ranked_by": {"sensitivity": "magnitude", "contribution": "signed"}}
    )

    ranked_by: Literal["kind", "magnitude", "signed"] = "kind"
    """``kind`` ranks contributions signed and sensitivities by magnitude."""

    @property
    def keeps_sign(self) -> bool:
        """Whether the sign of the map counts."""
        return self.ranked_by == "signed"

    @property
    def sign(self) -> str:
        """Follows ``ranked_by``."""
        if self.ranked_by == "kind":
            return "contributions are ranked signed, sensitivities by magnitude, without their sign"
        if self.ranked_by == "signed":
            return "signed values are ranked: evidence against the target comes last"
        return "magnitudes are ranked: the sign is dropped"

    def ranked(self, maps: Tensor) -> Tensor:
        """Return the values that are ranked, in the shape of the maps."""
        assert self.ranked_by != KIND, "for_maps was not called"
        return maps if self.ranked_by == "signed" else maps.abs()


if TYPE_CHECKING:
    AnyMetric = Metric
else:
    AnyMetric = plugin_type(Metric)
"""The type of a field that holds any metric."""
