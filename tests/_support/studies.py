"""A whole study small enough for tests: phantom slides of one section, a tiny network, two seeds."""

from pathlib import Path
from typing import Any

from flows.config import StudyConfig
from tasks.phantoms.generate import generate_cohort
from tasks.phantoms.recipe import PhantomRecipe

COHORT = PhantomRecipe(train=(2, 1), val=(1,), test=(1, 1), size_px=(352, 352), mpp=1.0, sections=1)


def tiny_cohort(folder: Path) -> Path:
    """Draw the cohort and return its manifest."""
    return generate_cohort(folder, COHORT, lambda done: None)


def tiny_cohort_of_both(folder: Path) -> Path:
    """Draw the cohort with a slide of each class to validate on too, as slide models need it."""
    return generate_cohort(folder, COHORT.model_copy(update={"val": (1, 1)}), lambda done: None)


OF_SLIDES = {
    "level": "slide",
    "train": {
        "arms": [{"id": "mean", "model": "mean_pool"}],
        "seeds": [0],
        "recipe": {"bag": {}, "epochs": 1, "batch": 2},
    },
    "explain": {"explainers": ["contribution"], "controls": []},
    "evaluate": {"metrics": ["gini"]},
}
"""What makes a small study one of level slide."""


def tiny_config(manifest: Path, **changes: Any) -> StudyConfig:
    """Return the study of that cohort; ``changes`` replace whole blocks."""
    blocks: dict[str, Any] = {
        "study": "tiny",
        "manifest": str(manifest),
        "device": "cpu",
        "tile": {"mpp": 1.0, "tile_px": 32, "thumbnail_px": 256},
        "train": {
            "arms": [{"id": "standard"}, {"id": "modulated", "regularizers": [{"name": "noise_modulation"}]}],
            "seeds": [0],
            "recipe": {"network": {"width": 0.125}, "epochs": 2, "batch": 16},
        },
        "explain": {
            "explainers": [{"name": "gradient"}, {"name": "smoothgrad", "samples": 2}],
            "controls": [{"name": "random_map"}],
        },
        "evaluate": {"metrics": [{"name": "gini"}, {"name": "deletion", "steps": 4, "tiles_per_slide": 8}]},
        "compare": {},
        "resources": {"batch": 32},
    }
    return StudyConfig.model_validate({**blocks, **changes})


def folded_config(manifest: Path, **changes: Any) -> StudyConfig:
    """Return the study of that cohort in three folds of two slides each, with less to explain."""
    blocks: dict[str, Any] = {
        "folds": {"by": "slide", "of": ["train", "val", "test"], "count": 3},
        "shared_patients": ["phantom_patient_01"],
        "explain": {"explainers": [{"name": "gradient"}], "controls": [{"name": "random_map"}]},
        "evaluate": {"metrics": [{"name": "gini"}]},
    }
    return tiny_config(manifest, **{**blocks, **changes})
