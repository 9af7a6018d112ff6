"""The slides of a recipe, and the random stream of each."""

from dataclasses import dataclass, replace

import numpy as np

from tasks.phantoms.recipe import PhantomRecipe

INKED, CLEAN, SCATTERED, UNMARKED = "inked", "clean", "scattered", "unmarked"
"""Sites of a cohort with twins: slides with ink on their nests, their twins without ink or with ink that says
nothing, and slides without a nest to mark."""

STREAMS = {
    "stain": 0, "layout": 1, "cells": 2, "texture": 3, "camera": 4, "ink": 5, "nuclei": 6, "granules": 7,
}  # fmt: skip


@dataclass(frozen=True)
class SlidePlan:
    """One slide to draw; ``key`` is (split, patient, slide), each counted from 0 in the one before."""

    slide_id: str
    patient_id: str
    split: str
    tumour: bool
    key: tuple[int, int, int]
    site: str = ""


def plan_cohort(recipe: PhantomRecipe) -> tuple[SlidePlan, ...]:
    """List the slides in the order of the manifest: train, val, test; patients are numbered across splits.

    A twin follows its slide. Where the ink of twins says nothing, tumour-free slides have a twin too.
    """
    plans: list[SlidePlan] = []
    patient_number = 0
    for split_index, split in enumerate(("train", "val", "test")):
        counts: tuple[int, ...] = getattr(recipe, split)
        in_split = 0
        for patient, slides in enumerate(counts):
            patient_number += 1
            for slide in range(slides):
                plan = SlidePlan(
                    slide_id=f"phantom_{patient_number:02d}_{slide + 1}",
                    patient_id=f"phantom_patient_{patient_number:02d}",
                    split=split,
                    tumour=in_split % recipe.normal_every != 1,
                    key=(split_index, patient, slide),
                )
                plans += _with_twin(plan, recipe.twins) if recipe.twins and split != "test" else [plan]
                in_split += 1
    return tuple(plans)


def _with_twin(plan: SlidePlan, twins: bool | str) -> list[SlidePlan]:
    """Return a slide with its site, and its twin; a slide without a nest has no ink and no clean twin."""
    own = replace(plan, site=INKED if plan.tumour else UNMARKED)
    site = SCATTERED if twins == SCATTERED else CLEAN
    if site == CLEAN and not plan.tumour:
        return [own]
    return [own, replace(plan, site=site, slide_id=f"{plan.slide_id}_{site}")]


def stream(seed: int, key: tuple[int, ...], name: str) -> np.random.Generator:
    """Return the generator for one purpose of one slide or patient, independent of all other draws."""
    sequence = np.random.SeedSequence(seed, spawn_key=(*key, STREAMS[name]))
    return np.random.Generator(np.random.PCG64(sequence))
