"""What a training may use. Nothing here changes a number."""

from pydantic import BaseModel, ConfigDict, Field

CACHE_MB = 1024
"""Megabytes of tiles from slides that stay in memory, unless a study says otherwise."""


class TrainingResources(BaseModel):
    """The resources of one training.

    Attributes:
        save_minutes: an unfinished training is saved after every epoch, and within an epoch after so many
            minutes; 0 saves it after every step. A kill loses no more than that.
        prefetch: batches that are read and sent to the device ahead of the model.
        cache_mb: megabytes of tiles from slides that stay in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    save_minutes: float = Field(default=10.0, ge=0)
    prefetch: int = Field(default=2, ge=1)
    cache_mb: int = Field(default=CACHE_MB, ge=0)
