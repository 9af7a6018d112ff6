"""Captions under heatmaps: what a value is, its scale, and how the scale was set."""

from tasks.reporting.maps.job import HeatmapJob
from tasks.reporting.maps.view import CheckpointView, SlideView

_PAINTED = (
    "Values are as drawn: the whole square of a tile has its value, and squares that overlap their mean."
)


def attribution_caption(view: SlideView, item: CheckpointView | None = None) -> str:
    """Describe the colours of maps on the thumbnail, of one model or of several side by side."""
    if view.job.level == "slide":
        return f"{_attribution(view, _PAINTED)}{_own_ends(view, item)}{_notes(view, item)}"
    pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    smoothing = view.job.recipe.smoothing_um
    smooth = f", then smoothed by a Gaussian of {smoothing:g} µm" if smoothing else ""
    drawn = f"Values are as drawn: averaged to pixels of the overview (here {pixel:.3g} µm){smooth}."
    return f"{_attribution(view, drawn)}{_own_ends(view, item)}{_notes(view, item)}"


def leading_caption(view: SlideView) -> str:
    """Describe the frames of leading tiles."""
    lowest = f" Values below 0 speak against {view.job.target_class}." if view.job.signed else ""
    return f"Frames have the colour of the value.{lowest} {_attribution(view, _PAINTED)}{_notes(view, None)}"


def tile_caption(view: SlideView) -> str:
    """Describe the colours of single tiles at the resolution of the network."""
    shown = "" if view.job.scale else ", of the tiles in this picture only"
    values = f"Values are at the resolution of the network{shown}."
    return f"{_attribution(view, values)}{_notes(view, None)}"


def probability_caption(view: SlideView) -> str:
    """Describe the colours of probabilities."""
    sample = f" Only {view.mapped} of {view.usable} tiles were predicted." if _lacks_score(view) else ""
    return (
        "Softmax of the logits, not rescaled. Overlapping tiles are averaged. Areas without colour have no "
        f"predicted tile.{sample} {_outlines(view)}"
    )


def score_caption(view: SlideView, item: CheckpointView) -> str:
    """Return the slide score, or why there is none."""
    if item.score is None and view.job.level == "slide":
        return "no slide score: the slide was not evaluated"
    if item.score is None:
        return f"no slide score: only {view.mapped} of {view.usable} tiles were predicted"
    return f"slide score {item.score:.3f} for {view.job.target_class}"


def _notes(view: SlideView, item: CheckpointView | None) -> str:
    """Return what is said of the maps of one model, or of any of several; each sentence once."""
    shown = view.checkpoints if item is None else (item,)
    return "".join(f" {note}" for note in dict.fromkeys(n for each in shown for n in each.notes))


def _own_ends(view: SlideView, item: CheckpointView | None) -> str:
    """Say where the scale would end for this slide or model alone, so that a faint map is recognised."""
    scale = view.job.scale
    if scale is None or view.slide_id not in scale.slides:
        return ""
    slide = f" For this slide alone, the scale would end at {scale.slides[view.slide_id].limit:.3g}"
    model = scale.end_of(item.checkpoint.model.label) if item else None
    return f"{slide}." if model is None else f"{slide}, for this model alone at {model:.3g}."


def _attribution(view: SlideView, values: str) -> str:
    """Describe the value, the scale and how it was set; ``values`` says which values set it."""
    job = view.job
    shape = "Diverging scale centred at zero" if job.signed else "Scale from zero"
    same = (
        "for all arms, seeds and slides of this study"
        if job.scale
        else "for all maps here, but not for other slides"
    )
    return (
        f"Raw values. {_meaning(job)} "
        f"{shape}, the same {same}. It ends at the {job.recipe.percentile:g}th percentile of |value| without "
        f"zeros, {_pooled(view)}. {values} Larger values are clipped. Opacity grows with |value|. "
        f"{_halo(job)}{_sample(view)}{_outlines(view)}"
    )


def _meaning(job: HeatmapJob) -> str:
    if job.class_free:
        return "They are the same whatever class is asked for, so they speak neither for it nor against it."
    return f"The margin is the logit of {job.target_class} minus the mean of the other logits."


def _pooled(view: SlideView) -> str:
    scale = view.job.scale
    slides = _counted(len(scale.slides), "slide") if scale else "this slide"
    models = len(scale.models) if scale else len(view.checkpoints)
    if models == 1:
        return f"over the maps of {slides}"
    return f"over each model's maps of {slides}, median of {models} models"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _sample(view: SlideView) -> str:
    if view.mapped == view.usable:
        return f"All {view.usable} tiles were explained. "
    return (
        f"Only {view.mapped} of {view.usable} tiles were explained, sampled by the hash of their names. "
        "Other tiles have no colour. "
    )


def _halo(job: HeatmapJob) -> str:
    if not job.halo_px:
        return ""
    return (
        f"Each tile was explained inside a larger image, with {job.halo_px} px more on each side: the margin "
        "is that of this image. "
    )


def _lacks_score(view: SlideView) -> bool:
    return any(item.score is None for item in view.checkpoints)


def _outlines(view: SlideView) -> str:
    if not view.outlines.annotated:
        return "This slide has no annotated outline."
    return "Black line: annotated outline, thin along the edge of the tiles."
