"""Activation maximisation: the image that a class or a channel prefers, over noisy models."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tasks.exemplars._ascent import Ascent, Climbed, Summit, climb
from tasks.exemplars._canvas import first_spectra
from tasks.exemplars._preferred import Sheet, draw_sheet, preferred, step_table, value_table
from tasks.exemplars._tiles import labelled
from tasks.exemplars._training_summary import ScoreFunction, TrainingSummary, look_up
from tasks.exemplars.base import ExemplarError, ExemplarJob, Exemplars, Shown, ShownFile, table_file
from tasks.functional.gradients import target_margin
from tasks.functional.pixels import spans

SHEET, VALUES, STEPS = "preferred.png", "values.parquet", "steps.parquet"
_FLAT = "images whose value did not rise"


class ActivationMaximisation(Exemplars):
    """Shows the image that each class or channel prefers, found by ascent over noisy copies of the network.

    For a class the margin is raised, its logit minus the mean of the others, since a constant added to all
    logits means nothing. For a channel the mean over the last convolutional map is raised. At every draw the
    weights are the original ones times N(1, sigma^2), the same for all images. Four things keep an image
    readable. Frequencies are moved in the proportions of natural images, colours change together as in the
    training tiles, the image is rolled at random at each draw, and the steps are few. Such an image is not
    tissue and lies outside the training data, so the training tile with the highest value is shown beside it.
    """

    source: ClassVar[str] = (
        "Bykov, Hedstroem, Nakajima and Hoehne (2022), arXiv:2106.10185 (activation maximisation over noisy "
        "models, sigma 0.2, 200 steps); a fresh draw a step instead of 100 copies as in torch-dreams, issue "
        "51; Olah, Mordvintsev and Schubert (2017), Feature visualization (frequencies, colours, jitter); "
        "ours: the margin for the logit, the palette of the training tiles, rate and jitter"
    )

    objective: Literal["class", "channel"] = "class"
    """Whether each class has an image, or channels of the last convolutional map."""
    channels: Annotated[int, Field(ge=1, le=64)] | tuple[Annotated[int, Field(ge=0)], ...] = 8
    """Number of channels, those of the highest mean on training tiles of the target class; or their
    indices."""
    steps: int = Field(default=200, ge=1)
    """Steps of the ascent."""
    learning_rate: float = Field(default=0.005, gt=0)
    """Step of Adam in the scaled frequencies; it does not depend on the scale of the logits."""
    sigma: float = Field(default=0.2, ge=0, le=1)
    """Standard deviation of the factor on each weight; 0 for the plain method."""
    draws_per_step: int = Field(default=1, ge=1)
    """Noisy copies whose mean gradient makes a step."""
    jitter_px: int = Field(default=8, ge=0)
    """Largest random roll of the image at each draw, in either direction."""
    size_px: int | None = Field(default=None, ge=8, le=1024)
    """Side of the images; that of the training tiles if not given."""
    seed: int = 0
    """Seed of the start, the weight noise and the jitter."""

    def show(self, job: ExemplarJob) -> Shown:
        """Return the images, a sheet of them, their values and the values at each step.

        Raises:
            ExemplarError: no training tile has the label of a class, or of the target class where channels
                are chosen by it; a channel does not exist; or the ascent left the finite numbers.
        """
        tiles, scores = labelled(job), self._scores(job)
        summary = look_up(job, tiles, scores)
        places = self._places(summary, job)
        names = [job.classes[p] if self.objective == "class" else f"channel {p}" for p in places]
        found = self._climbed(job, summary, places, names)
        items = preferred(found, summary, places, names)
        sheet = Sheet(items, tiles, self._title(job), self._legend())
        meaning = f"what each {self.objective} prefers, and the training tile with the highest value"
        files = {
            SHEET: ShownFile(meaning, lambda path: draw_sheet(sheet).save(path)),
            VALUES: table_file(value_table(items, tiles), "one row an image: its value before and after"),
            STEPS: table_file(step_table(names, found), "the value that each step saw, of noisy models"),
        }
        pictures = {f"{self.objective}_{p}.png": item.file for p, item in zip(places, items, strict=True)}
        return Shown({**files, **pictures}, {_FLAT: sum(not item.rose for item in items)})

    def _scores(self, job: ExemplarJob) -> ScoreFunction:
        if self.objective == "channel":
            return lambda images: job.model.features(images).mean((2, 3))
        return lambda images: _margins(job.model(images))

    def _places(self, summary: TrainingSummary, job: ExemplarJob) -> list[int]:
        """Return the indices of the classes, or of the channels that are chosen."""
        count = len(summary.highest)
        if self.objective == "class":
            return list(range(count))
        if isinstance(self.channels, tuple):
            beyond = [channel for channel in self.channels if channel >= count]
            if beyond:
                raise ExemplarError(f"there is no channel {beyond[0]}; the layer has 0 to {count - 1}")
            return list(dict.fromkeys(self.channels))
        if np.isnan(summary.on_target).any():
            raise ExemplarError(f"no training tile labelled {job.classes[job.target]} chooses the channels")
        return [int(place) for place in np.argsort(-summary.on_target, kind="stable")[: self.channels]]

    def _climbed(
        self, job: ExemplarJob, summary: TrainingSummary, places: list[int], names: list[str]
    ) -> Climbed:
        size, scores = self.size_px or summary.tile_px, self._scores(job)
        start = first_spectra(names, size, self.seed).to(job.device)
        wanted = torch.tensor(places, device=job.device)
        parts = []
        for span in spans(len(places), job.batch):

            def value(images: Tensor, which: Tensor = wanted[span, None]) -> Tensor:
                return scores(images).gather(1, which)[:, 0]

            summit = Summit(job.model, value, summary.palette)
            parts.append(climb(self._ascent, summit, start[span], job.advance))
        found = Climbed.joined(parts)
        if not found.images.isfinite().all():
            raise ExemplarError(
                f"the ascent left the finite numbers at sigma {self.sigma}; a smaller one may not"
            )
        return found

    @property
    def _ascent(self) -> Ascent:
        return Ascent(
            steps=self.steps,
            learning_rate=self.learning_rate,
            sigma=self.sigma,
            draws_per_step=self.draws_per_step,
            jitter_px=self.jitter_px,
            seed=self.seed,
        )

    def _title(self, job: ExemplarJob) -> str:
        title = "What each class prefers" if self.objective == "class" else "What channels prefer"
        return f"{title} · {job.model_title}" if job.model_title else title

    def _legend(self) -> str:
        value = (
            "Value: the margin of the class, its logit less the mean of the others"
            if self.objective == "class"
            else "Value: the mean of the channel of the last convolutional map over the image"
        )
        copies = (
            "a fresh noisy copy" if self.draws_per_step == 1 else f"{self.draws_per_step} fresh noisy copies"
        )
        noisy = f"each on {copies} of the network, every weight times N(1, {self.sigma:g}²)"
        noise = noisy if self.sigma else "on the network as it is"
        return (
            f"{value}; before → after, of the network as it is. Found in {self.steps} steps, {noise}, from "
            "the mean colour of the training tiles, with their colours and rolled by up to "
            f"{self.jitter_px} px. Such an image is no tissue: it lies outside of what the network has seen, "
            "and a value far above that of every training tile says so."
        )


def _margins(logits: Tensor) -> Tensor:
    """Return [B, K]: the margin of every class."""
    targets = torch.arange(logits.shape[1], device=logits.device)
    return torch.stack([target_margin(logits, target.expand(len(logits))) for target in targets], dim=1)
