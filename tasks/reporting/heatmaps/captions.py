"""The sentences under heatmaps: what a value is, on which scale it is shown and how the scale was set."""

from tasks.reporting.maps.job import HeatmapJob
from tasks.reporting.maps.view import CheckpointView, SlideView


def attribution_caption(view: SlideView, item: CheckpointView | None = None) -> str:
    """Describe the colours of maps drawn on the thumbnail, of one model or of several side by side."""
    pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    smoothing = view.job.recipe.smoothing_um
    smooth = f", then smoothed by a Gaussian of {smoothing:g} µm" if smoothing else ""
    drawn = f"as drawn (averaged to pixels of the overview, here {pixel:.3g} µm{smooth})"
    return f"{_words(view, drawn)}{_alone(view, item)}"


def tile_caption(view: SlideView) -> str:
    """Describe the colours of single tiles at the resolution of the network."""
    shown = "" if view.job.scale else ", of the tiles in this picture"
    return _words(view, f"at the resolution of the network{shown}")


def probability_caption(view: SlideView) -> str:
    """Describe the colours of probabilities."""
    sample = f" Only {view.mapped} of {view.usable} tiles were predicted." if _score_is_missing(view) else ""
    return (
        "Softmax of the logits, not rescaled; overlapping tiles are averaged. No colour: no tile."
        f"{sample} {_outlines(view.job)}"
    )


def score_caption(view: SlideView, item: CheckpointView) -> str:
    """Say the slide score, or why there is none."""
    if item.score is None:
        return f"no slide score: only {view.mapped} of {view.usable} tiles were predicted"
    return f"slide score {item.score:.3f} for {view.job.target_class}"


def _alone(view: SlideView, item: CheckpointView | None) -> str:
    """Say where the scale would end for this slide alone and a model alone, so that a cold one is known."""
    scale = view.job.scale
    if scale is None or view.slide_id not in scale.slides:
        return ""
    slide = f" The scale of this slide alone would end at {scale.slides[view.slide_id].limit:.3g}"
    own = scale.models.get(item.checkpoint.model.label) if item else None
    return f"{slide}." if own is None else f"{slide}, of this model alone at {own:.3g}."


def _words(view: SlideView, maps: str) -> str:
    """Describe the value, the scale and how it was set; ``maps`` says of what values."""
    job = view.job
    shape = "Diverging scale centred at zero" if job.signed else "Scale from zero"
    same = (
        "for all arms, seeds and slides of this study"
        if job.scale
        else "for all maps here, but no other slide"
    )
    return (
        f"Raw values, the margin being the logit of {job.target_class} minus the mean of the other logits. "
        f"{shape}, the same {same}: its end is the {job.recipe.percentile:g}th percentile of |value|, zeros "
        f"left out, {_pooled(view)} {maps}; larger values are clipped. Opacity grows with |value|. "
        f"{_sample(view)}{_outlines(job)}"
    )


def _pooled(view: SlideView) -> str:
    scale = view.job.scale
    slides = _counted(len(scale.slides), "slide") if scale else "this slide"
    models = len(scale.models) if scale else len(view.checkpoints)
    if models == 1:
        return f"over the maps of {slides}"
    return f"over a model's maps of {slides}, the median of {models} models,"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _sample(view: SlideView) -> str:
    if view.mapped == view.usable:
        return ""
    return (
        f"Attribution of {view.mapped} of {view.usable} tiles, a sample by the hash of their names; "
        "no colour elsewhere. "
    )


def _score_is_missing(view: SlideView) -> bool:
    return any(item.score is None for item in view.checkpoints)


def _outlines(job: HeatmapJob) -> str:
    if not bool(job.tiles.annotation_mask.any()):
        return "No outline was given for this slide."
    return "Black line: the annotated outline, thin where it follows the edge of the tiles."
