"""The training recipe: all that may change the weights, except the regularizers of an arm."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from tasks.models.mil.base import AnyBagModel
from tasks.models.recipe import NetworkRecipe
from tasks.plugins import plugin_type
from tasks.regularizers.base import Regularizer
from tasks.training.bag_recipe import BAG_DEFAULTS, TILES_ALONE, BagRecipe
from tasks.training.dose_recipe import DoseRecipe


class AugmentationRecipe(BaseModel):
    """Random changes of every training tile; 0 or false switches one off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: bool = True
    """Mirror along either axis, each with probability one half."""

    rotate: bool = True
    """Turn by 0, 90, 180 or 270 degrees, equally likely; with ``flip``, all eight poses."""

    brightness: float = Field(default=0.1, ge=0, lt=1)
    """Multiply a tile by a factor in [1 - b, 1 + b]; the result is clipped to [0, 1]."""

    stain_scale: float = Field(default=0.1, ge=0, lt=1)
    """Multiply each of a tile's three stains (haematoxylin, eosin, DAB) by a factor in [1 - s, 1 + s]."""

    stain_shift: float = Field(default=0.01, ge=0, lt=1)
    """Add to each stain a number in [-s, s], in the units of ``skimage.color.rgb2hed``."""


class TrainingRecipe(BaseModel):
    """How a classifier is trained; every arm and seed of a study shares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: NetworkRecipe = NetworkRecipe()
    classes: tuple[str, ...] = Field(default=("normal", "tumour"), min_length=2)
    """Labels in the order of the logits; ``mixed`` and unlabelled tiles are left out, others are an error."""

    target_class: str = "tumour"
    """The class that explanations are for."""

    epochs: int = Field(default=10, ge=1)
    tiles_per_epoch: int | None = Field(default=None, ge=2)
    """Show at most this many tiles per epoch; None: all. Tiles are drawn without replacement across epochs:
    every tile is shown once before any is shown twice. With ``sampling`` that holds for each class."""

    batch: int = Field(default=64, ge=2)
    """Tiles per step. An epoch's last incomplete batch is dropped."""

    accumulate: int = Field(default=1, ge=1)
    """A step's batch is processed in this many parts, one after another, to save memory; their gradients are
    averaged. BatchNorm and the batch statistics of regularizers then see one part at a time, so only a
    network without BatchNorm trains as on the whole batch."""

    lr: float = Field(default=1e-3, gt=0)
    """Peak learning rate of AdamW: a linear warm-up, then half a cosine down to 0 at the last step."""

    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps spent warming up."""

    weight_decay: float = Field(default=0.01, ge=0)
    """For convolution and linear weights; biases and norm layers are left free."""

    augmentation: AugmentationRecipe = AugmentationRecipe()
    class_balance: Literal["weights", "sampling", "none"] = "weights"
    """``weights``: every tile once per epoch, its loss times N / (K n_class). ``sampling``: N / K tiles of
    every class per epoch, a rare class repeated in whole random rounds. ``none``: no balancing."""

    choose: Literal["val_auroc", "val_balanced_accuracy", "val_loss"] = "val_auroc"
    """The validation figure by which the best epoch is chosen. Ties go to the lower ``val_loss``, then to the
    earlier epoch."""

    amp: bool = False
    """Forward passes in bfloat16 while training; weights, validation and explanations stay float32."""

    tf32: bool = False
    """Let an NVIDIA GPU multiply float32 numbers with ten bits of mantissa while training. Validation and
    explanations stay float32. It changes nothing on a CPU."""

    autotune: bool = True
    """Let an NVIDIA GPU time its convolution algorithms in training and take the fastest. Another run may
    take another one, with other last bits. False takes those that cuDNN calls deterministic, which are
    slower. It changes nothing on a CPU."""

    compile: bool = False
    """Train with compiled residual blocks (``torch.compile``). An arm whose first step differs from that of
    the plain network, or cannot be compiled, is trained without, and a warning says why."""

    patience: int | None = Field(default=None, ge=1)
    """Stop when this many epochs in a row were not better than the best; None: never. The learning rate
    falls as if all epochs were made."""

    bag: BagRecipe | None = None
    """For studies of level slide: the slide model and its bags. With it ``epochs``, ``batch`` (slides per
    step), ``lr``, ``weight_decay`` and ``patience`` have other defaults: 30, 8, 2e-4, 1e-4 and 8."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_bags(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("bag") is None:
            return data
        return {**BAG_DEFAULTS, **data}

    @model_validator(mode="after")
    def _of_one_level(self) -> Self:
        defaults = type(self).model_fields
        strange = [name for name in TILES_ALONE if getattr(self, name) != defaults[name].default]
        if self.bag is not None and strange:
            raise ValueError(
                f"training.{strange[0]} means nothing to a slide model, which eats features; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _batch_can_be_split(self) -> Self:
        least, noun = (2, "two tiles") if self.bag is None else (1, "one slide")
        if self.batch % self.accumulate or self.batch < least * self.accumulate:
            raise ValueError(
                f"accumulate {self.accumulate} must split batch {self.batch} into equal parts of {noun} "
                "or more"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Recipes that do not use these settings have the same form as before there were any.
        absent = [name for name in ("patience", "bag") if getattr(self, name) is None]
        if self.bag is not None:
            absent = [*absent, *TILES_ALONE]
        return {name: value for name, value in whole(self).items() if name not in absent}

    @model_validator(mode="after")
    def _classes_make_sense(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"training.classes {list(self.classes)} names a class twice")
        if self.target_class not in self.classes:
            raise ValueError(f"target_class {self.target_class!r} is not among {list(self.classes)}")
        return self


class ArmRecipe(BaseModel):
    """One way of training that a study compares with the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    regularizers: tuple[plugin_type(Regularizer), ...] = ()  # type: ignore[valid-type]  # found at run time
    """Applied in this order; none is standard training."""
    lr: float | None = Field(default=None, gt=0)
    """Peak learning rate of this arm in place of the recipe's, for an arm without a strength to tune."""
    sites: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Limit this arm's training and validation slides to these sites of the manifest; None uses all sites.
    Test slides are the same for all arms."""

    model: AnyBagModel | None = None
    """The slide model of this arm in place of the recipe's; for studies of level slide."""

    dose: DoseRecipe | None = None
    """Chooses the strength of one regularizer by what it moves, in short trainings before this one."""

    @property
    def dosed_index(self) -> int:
        """The index of the regularizer whose strength is searched.

        Raises:
            ValueError: there is none, or several and none is named.
        """
        asked, ids = self.dose and self.dose.regularizer, [each.id for each in self.regularizers]
        if asked is None and len(ids) == 1:
            return 0
        if asked not in ids:
            found = "dose.regularizer must name one of them" if asked is None else f"dose names {asked!r}"
            raise ValueError(f"arm {self.id!r} has the regularizers {ids}: {found}")
        return ids.index(asked)

    def dosed(self, value: float) -> Self:
        """Return this arm with the dose found and no search."""
        assert self.dose is not None
        index, changed = self.dosed_index, list(self.regularizers)
        given = changed[index].model_dump()
        whole = value == int(value) and isinstance(given[self.dose.field], int)
        given[self.dose.field] = int(value) if whole else value
        changed[index] = type(changed[index]).model_validate(given)
        return self.model_copy(update={"regularizers": tuple(changed), "dose": None})

    def undosed(self) -> Self:
        """Return this arm without the regularizer whose strength is searched."""
        rest = tuple(r for index, r in enumerate(self.regularizers) if index != self.dosed_index)
        return self.model_copy(update={"regularizers": rest, "dose": None})

    def applied_to(self, recipe: TrainingRecipe) -> TrainingRecipe:
        """Return ``recipe`` with this arm's changes."""
        changes: dict[str, Any] = {} if self.lr is None else {"lr": self.lr}
        if recipe.bag is not None:
            changes["bag"] = recipe.bag.with_model(self.model)
        return recipe.model_copy(update=changes)

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        absent = {"model"} if self.model is None else set()
        return {name: value for name, value in whole(self).items() if name not in absent}

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [regularizer.id for regularizer in self.regularizers]
        if len(set(ids)) != len(ids):
            raise ValueError(
                f"arm {self.id!r} has two regularizers of one id: {ids}; give each an id of its own"
            )
        return self

    @model_validator(mode="after")
    def _dose_fits(self) -> Self:
        if self.dose is None:
            return self
        method, field = self.regularizers[self.dosed_index], self.dose.field
        numbers = [
            name
            for name in type(method).model_fields
            if isinstance(getattr(method, name), int | float) and not isinstance(getattr(method, name), bool)
        ]
        if field not in numbers:
            raise ValueError(
                f"arm {self.id!r}: dose.field {field!r} is no number of {method.name!r}; allowed are "
                f"{', '.join(numbers)}"
            )
        for value in self.dose.values:
            try:
                treated = self.dosed(value).regularizers[self.dosed_index]
            except ValidationError as error:
                raise ValueError(
                    f"arm {self.id!r}: dose.values holds {value:g}, which is no {field} of {method.name!r}: "
                    f"{error.errors()[0]['msg']}"
                ) from None
            if not treated.active_checks():
                raise ValueError(
                    f"arm {self.id!r}: {method.name!r} names nothing that it moves, so no dose can be found"
                )
        return self
