"""The base of all explainers: frozen recipes that turn each image into one raw, signed map."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from tasks.calibration.recipe import CalibrationRecipe
from tasks.functional.foreign_errors import SaidAs
from tasks.functional.gradients import LogitsError, Reduction
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes
from tasks.functional.weight_noise import WeightNoiseError
from tasks.plugins import Plugin, plugin_type
from tasks.samples.axes import SUPPORT_OF_INPUT, Input, MapKind, Support
from tasks.samples.inputs import Bags, Inputs, each

Kind = Literal["sensitivity", "contribution", "control"]


class ExplanationError(ValueError):
    """Invalid input or output of an explainer. One sentence says which."""


class Explainer(Plugin):
    """Explains the logit of the target minus the mean of the other logits, one map per image.

    A subclass fills in :meth:`attribute`, and :meth:`passes` for what it costs. Explainers that average over
    noise hold another explainer and use its prepared network.

    Example:
        A linear model has its weights as gradient, summed over the three channels:

        >>> from tasks.explainers.gradient import Gradient
        >>> from tasks.functional.tile_keys import tile_keys
        >>> linear = nn.Linear(3 * 4 * 4, 2, bias=False)
        >>> linear.weight.data = torch.stack([torch.zeros(48), torch.ones(48)])
        >>> model = nn.Sequential(nn.Flatten(), linear)
        >>> images, targets = torch.rand(2, 3, 4, 4), torch.tensor([1, 0])
        >>> maps = Gradient()(model, images, targets, tile_keys(["first", "second"]))
        >>> maps.shape, maps[:, 0, 0].tolist()
        (torch.Size([2, 4, 4]), [3.0, -3.0])
    """

    package: ClassVar[str] = "tasks.explainers"
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels"})
    """The inputs that it can explain."""
    support: ClassVar[Support] = "pixel"
    """What it gives values to: pixels [B, H, W] or the tiles of a bag [B, N]. One that accepts both gives
    values to what it is handed, see :meth:`support_of`."""
    signed: ClassVar[bool] = True
    """Whether the method separates evidence for the target from evidence against it."""
    class_free: ClassVar[bool] = False
    """Whether the values are the same whatever class is asked for. They are never drawn as signed."""
    complete: ClassVar[bool] = False
    """Whether the map claims to sum to the margin of the image minus that of :meth:`reference`."""
    kind: ClassVar[Kind]
    """``sensitivity`` to change, ``contribution`` to the output, or ``control``, a baseline to beat."""
    control: ClassVar[bool] = False
    """Whether it is a control, not to be reported as an explanation."""
    blind: ClassVar[bool] = False
    """Whether it sees no network at all."""
    default_position: ClassVar[int] = 100
    """Where a control stands in the default list, lowest first and equals by name."""

    def __call__(self, model: nn.Module, images: Inputs, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the attributions, detached, on the images' device; the model stays as it was.

        They are maps, float [B, H, W]; of bags they are scores of tiles [B, N], 0 on padding and NaN where
        the bag is :meth:`unavailable`.

        Args:
            model: gives logits [B, K]; its normalisation is inside.
            images: float [B, C, H, W] in [0, 1], or bags for an explainer that accepts features.
            targets: int64 [B], class indices.
            tile_keys: int64 [B] of :func:`tasks.functional.tile_keys.tile_keys`, the only source of per-tile
            randomness.

        Raises:
            ExplanationError: the shapes do not match, or the explainer or the network raised an error.
        """
        _check(images, targets, tile_keys)
        settled = self.settled(model, images)
        with leave_as_found(model), torch.no_grad():
            # A copy: a network may write on what it is given.
            given = each(torch.clone, images)
            return settled.explained(settled.prepare(model), given, targets, tile_keys).detach()

    def explained(self, model: nn.Module, images: Inputs, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return what :meth:`attribute` does; errors of any type become one sentence.

        Raises:
            ExplanationError: the explainer or the network raised an error.
        """
        self._refuse_other(images)
        with self._said(model):
            values = self.attribute(model, images, targets, tile_keys)
            return self._of_tiles(images, values) if isinstance(images, Bags) else values

    def _refuse_other(self, images: Inputs) -> None:
        given = "features" if isinstance(images, Bags) else "pixels"
        if given not in self.inputs:
            raise ExplanationError(
                f"explainer {self.id!r} explains a model of {' or '.join(sorted(self.inputs)) or 'nothing'}, "
                f"and was handed {given}"
            )

    def _of_tiles(self, bags: Bags, values: Tensor) -> Tensor:
        """Return scores [B, N] with 0 on padding, and NaN on the tiles of bags that are unavailable."""
        silent = torch.tensor([bool(why) for why in self.unavailable(bags)], device=values.device)
        return values.masked_fill(silent[:, None], torch.nan).masked_fill(~bags.mask, 0.0)

    def _said(self, model: nn.Module) -> SaidAs:
        title = f"{self.name} cannot explain {type(model).__name__}"
        return SaidAs(ExplanationError, title, (LogitsError, WeightNoiseError))

    @property
    def held(self) -> "Explainer | None":
        """The explainer that this one holds in a field ``base``; None where it holds none."""
        base = getattr(self, "base", None)
        return base if isinstance(base, Explainer) else None

    @property
    def inputs(self) -> frozenset[Input]:
        """The inputs that this recipe can explain: what holds an explainer accepts what that one does."""
        return self.accepts & self.held.inputs if self.held else self.accepts

    def support_of(self, given: Input) -> Support:
        """Return what it gives values to where a model takes ``given``."""
        return self.support if len(self.accepts) == 1 else SUPPORT_OF_INPUT[given]

    def signed_for(self, given: Input) -> bool:
        """Return whether the values have a sign where a model takes ``given``."""
        return self.signed_maps and (self.held is None or self.held.signed_for(given))

    @property
    def takes_halo(self) -> bool:
        """Whether pixels around the tile change its map, as they do where a network is asked about pixels."""
        return self.held.takes_halo if self.held else self.support == "pixel"

    def with_halo(self, tile_px: int, halo_px: int) -> Self:
        """Return the same explainer for images of a tile with ``halo_px`` more pixels on each side.

        An explainer that divides its images, or looks at the tile as a whole, overrides this.
        """
        return self.model_copy(update={"base": self.held.with_halo(tile_px, halo_px)}) if self.held else self

    @property
    def map_kind(self) -> MapKind:
        """What the values of the maps say; what holds an explainer gives maps of its kind.

        A blind control makes no claim about signs, so its maps are read by magnitude, as sensitivities are.
        """
        if self.held is not None:
            return self.held.map_kind
        return "contribution" if self.kind == "contribution" else "sensitivity"

    @property
    def signed_maps(self) -> bool:
        """Whether the maps of this recipe have a sign; an option may drop the sign of the method."""
        return self.signed

    @property
    def uncalibrated(self) -> "Explainer | None":
        """The explainer, itself or a held one, whose sigma waits for a calibration; None if none does."""
        return self.held.uncalibrated if self.held else None

    def calibration_recipe(self) -> CalibrationRecipe | None:
        """Return the search that the uncalibrated sigma needs, or None where no sigma waits for one."""
        return self.held.calibration_recipe() if self.held else None

    def calibrated(self, sigma: float) -> Self:
        """Return a copy whose uncalibrated sigma, at any depth, is set to ``sigma``."""
        return self.model_copy(update={"base": self.held.calibrated(sigma)}) if self.held else self

    def settled(self, model: nn.Module, images: Any) -> Self:
        """Return a copy in which all that is left to be found in a network is decided, such as a layer.

        Called once per network, with its first images; these are left as they are.

        Raises:
            ExplanationError: the explainer cannot explain this network, or the network raised an error.
        """
        self._refuse_other(images)
        with self._said(model):
            self.refuse(model)
            return self.settle(model, images)

    def refuse(self, network: nn.Module) -> None:
        """Refuse a network that lacks what the explainer reads; default: what the held one refuses.

        Raises:
            ExplanationError: naming what is missing.
        """
        if self.held is not None:
            self.held.refuse(network)

    def unavailable(self, bags: Bags) -> list[str]:
        """Return for each bag why there is nothing to say of its tiles; an empty string where there is."""
        return self.held.unavailable(bags) if self.held else [""] * len(bags.mask)

    @property
    def wants_references(self) -> bool:
        """Whether it compares a bag with tiles of other bags, handed over by :meth:`with_references`."""
        return self.held.wants_references if self.held else False

    def with_references(self, bags: Bags) -> Self:
        """Return a copy that compares with these bags, at any depth."""
        return self.model_copy(update={"base": self.held.with_references(bags)}) if self.held else self

    def settle(self, model: nn.Module, images: Any) -> Self:
        """Decide what :meth:`settled` is for; default: what the explainer in ``base`` decides."""
        return self.model_copy(update={"base": self.held.settled(model, images)}) if self.held else self

    def notes(self) -> tuple[str, ...]:
        """Return sentences that belong to the maps wherever they are shown."""
        return self.held.notes() if self.held else ()

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the model that :meth:`attribute` works on, made once for many batches; default: itself."""
        return model

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return [B, H, W], or [B, N] of bags; ``model`` is prepared, in eval mode, frozen, gradients off.

        ``images`` are what ``accepts`` declares, so an explainer names their type.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it attributes")

    def passes(self) -> Passes:
        """Return the passes per image, or per bag of a model that pools its tiles."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it costs")

    def reference(self, model: nn.Module, images: Any) -> Any:
        """Return inputs like ``images`` whose margin a map's sum is measured against; None: not measured.

        ``model`` is prepared. Completeness may be measured without being claimed; a claim is always measured.
        """
        return None

    def references(self, model: nn.Module, images: Any) -> Iterator[Any]:
        """Yield every input that :meth:`reference` stands for; the mean of their margins counts."""
        reference = self.reference(model, images)
        if reference is not None:
            yield reference


class ChannelExplainer(Explainer):
    """An explainer with a value for each channel, which ``reduce`` turns into one for each pixel.

    ``sum`` keeps sign and completeness; ``l2`` and ``abs_mean`` keep neither.
    """

    reduce: Reduction = "sum"

    @property
    def signed_maps(self) -> bool:
        """True for ``sum`` only."""
        return self.signed and self.reduce == "sum"


if TYPE_CHECKING:
    AnyExplainer = Explainer
else:
    AnyExplainer = plugin_type(Explainer)
"""The type of a field that holds any explainer."""


def _check(images: Inputs, targets: Tensor, tile_keys: Tensor) -> None:
    tensor, needed = (images.features, "[B, N, D]") if isinstance(images, Bags) else (images, "[B, C, H, W]")
    if tensor.ndim != needed.count(",") + 1:
        what = "features" if isinstance(images, Bags) else "images"
        raise ExplanationError(f"{what} have shape {list(tensor.shape)}; needed {needed}")
    for name, vector in (("targets", targets), ("tile_keys", tile_keys)):
        if vector.shape != tensor.shape[:1] or vector.dtype != torch.int64:
            raise ExplanationError(
                f"{name} are {vector.dtype} {list(vector.shape)}; needed int64 [{len(tensor)}], one an image"
            )
