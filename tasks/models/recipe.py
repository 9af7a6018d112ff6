"""The network recipe, part of the recipe of every checkpoint."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from tasks.samples.axes import Input, Sample


class NetworkRecipe(BaseModel):
    """The network of a study, the same for all its arms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: ClassVar[Sample] = "tile"
    """What the network takes as one input."""
    input: ClassVar[Input] = "pixels"
    """How a sample reaches the network."""

    name: Literal["resnet18", "resnet34", "resnet50"] = "resnet18"
    """A residual network of MONAI, made safe to explain."""

    width: float = Field(default=0.5, ge=0.03125, le=4)
    """Factor on the channels 64, 128, 256, 512 of the four stages."""

    stem_stride: Literal[1, 2] = 2
    """Stride of the first convolution; 1 keeps twice the resolution at about four times the cost."""

    init: str | None = None
    """A safetensors file to start from, with the keys of a ResNet (MONAI's and torchvision's agree) or of
    one of our own checkpoints; a head with another number of classes is left at its random start. Prefixes
    of DistributedDataParallel and torch.compile are left out. ``mean`` and ``std`` in the file replace those
    of the training tiles."""

    module: str | None = None
    """``package.module:Class`` of any ``nn.Module`` that takes normalised images [B, 3, H, W] and returns
    logits [B, K]; it then stands in place of ``name``. Without ``arguments`` it is made as
    ``Class(num_classes=K)``."""

    arguments: dict[str, JsonValue] | None = None
    """All keyword arguments of ``module``, the number of classes among them, by whatever name it has."""

    logits: int | str | None = None
    """Which of several outputs of ``module`` the logits are: a place in a tuple, counted from 0, or a key."""

    @model_validator(mode="after")
    def _module_has_a_class(self) -> Self:
        if self.module is not None and self.module.count(":") != 1:
            raise ValueError(f"network.module {self.module!r} must read 'package.module:Class'")
        if self.module is not None:
            defaults = type(self).model_fields
            of_ours = [n for n in ("name", "width", "stem_stride") if getattr(self, n) != defaults[n].default]
            if of_ours:
                raise ValueError(
                    f"network.{of_ours[0]} is of our own networks and says nothing to network.module "
                    f"{self.module!r}; leave it out, and use network.arguments"
                )
        if self.module is None and (self.arguments is not None or self.logits is not None):
            raise ValueError("network.arguments and network.logits go with network.module; name the class")
        return self
