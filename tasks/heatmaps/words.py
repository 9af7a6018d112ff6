"""The sentences under heatmaps: what a value is, on which scale it is shown and how the scale was set."""

from tasks.artifacts.colour_scale import ScaleInfo
from tasks.heatmaps.job import HeatmapJob
from tasks.heatmaps.view import CheckpointView, SlideView


def attribution_words(view: SlideView) -> str:
    """Describe the colours of maps drawn on the thumbnail."""
    pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    smoothing = view.job.recipe.smoothing_um
    smooth = f", then smoothed by a Gaussian of {smoothing:g} µm" if smoothing else ""
    drawn = f"as drawn (averaged to pixels of the overview, here {pixel:.3g} µm{smooth})"
    scale = view.job.scale
    study = f"{_counted(scale)} {drawn}" if scale else ""
    words = _words(view, study, f"the {len(view.checkpoints)} maps of this slide {drawn}")
    own = scale.slides.get(view.slide_id) if scale else None
    return f"{words} This slide alone would end at {own.limit:.3g}." if own else words


def tile_words(view: SlideView) -> str:
    """Describe the colours of single tiles at the resolution of the network."""
    scale = view.job.scale
    study = f"{_counted(scale)} at the resolution of the network" if scale else ""
    return _words(view, study, "the maps of this picture")


def probability_words(view: SlideView) -> str:
    """Describe the colours of probabilities."""
    sample = f" Only {view.mapped} of {view.usable} tiles were predicted." if _score_is_missing(view) else ""
    return (
        "Softmax of the logits, not rescaled; overlapping tiles are averaged. No colour: no tile."
        f"{sample} {_outlines(view.job)}"
    )


def score_words(view: SlideView, item: CheckpointView) -> str:
    """Say the slide score, or why there is none."""
    if item.score is None:
        return f"no slide score: only {view.mapped} of {view.usable} tiles were predicted"
    return f"slide score {item.score:.3f} for {view.job.target_class}"


def _words(view: SlideView, study: str, own: str) -> str:
    """Describe a scale over ``study``, or over ``own`` maps where the study has none."""
    job = view.job
    shape = "Diverging scale centred at zero" if job.signed else "Scale from zero"
    same = (
        "for all arms, seeds and slides of this study" if study else "for all maps here, but no other slide"
    )
    return (
        f"Raw values, the margin being the logit of {job.target_class} minus the mean of the other logits. "
        f"{shape}, the same {same}: its end is the {job.recipe.percentile:g}th percentile of |value|, zeros "
        f"left out, over {study or own}; larger values are clipped. Opacity grows with |value|. "
        f"{_sample(view)}{_outlines(job)}"
    )


def _counted(scale: ScaleInfo) -> str:
    slides = len(scale.slides)
    return f"the {scale.maps} maps of {slides} {'slide' if slides == 1 else 'slides'}"


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
