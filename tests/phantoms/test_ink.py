import numpy as np
from shapely.geometry import Point

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.ink import draw_ink, marked_islands
from tasks.phantoms.layout import Island
from tasks.phantoms.plan import plan_cohort
from tasks.phantoms.recipe import PhantomRecipe

CANVAS = SlideCanvas(1240, 660, 0.5)
ISLANDS = tuple(Island(Point(260 + 500 * n, 320).buffer(150), tumour=n == 0) for n in range(2))


def test_outside_test_slides_ink_goes_with_the_label():
    recipe = PhantomRecipe(confounder=True)
    for plan in plan_cohort(recipe):
        if plan.split != "test":
            assert marked_islands(plan, recipe, ISLANDS) == ISLANDS[:1]


def test_a_clean_twin_has_no_ink():
    recipe = PhantomRecipe(confounder=True, twins=True)
    for plan in plan_cohort(recipe):
        if plan.site:
            marked = {"inked": ISLANDS[:1], "clean": (), "unmarked": ISLANDS[:1]}[plan.site]
            assert marked_islands(plan, recipe, ISLANDS) == marked


def test_a_scattered_twin_has_the_ink_of_a_test_slide_and_so_has_that_of_a_slide_without_tumour():
    recipe = PhantomRecipe(train=(20,) * 20, confounder=True, twins="scattered")
    plans = [plan for plan in plan_cohort(recipe) if plan.split == "train"]
    twins = [plan for plan in plans if plan.site == "scattered"]
    assert len(twins) == len(plans) / 2
    assert {plan.tumour for plan in twins} == {True, False}
    assert {plan.site for plan in plans if not plan.tumour} == {"unmarked", "scattered"}
    chosen = np.array([[i in marked_islands(plan, recipe, ISLANDS) for i in ISLANDS] for plan in twins])
    assert np.abs(chosen.mean(axis=0) - 0.5).max() < 0.08
    inked = [plan for plan in plans if plan.site == "inked"]
    assert all(marked_islands(plan, recipe, ISLANDS) == ISLANDS[:1] for plan in inked)


def test_in_test_slides_ink_does_not_know_the_kind_of_island():
    recipe = PhantomRecipe(test=(20,) * 30, confounder=True)
    plans = [plan for plan in plan_cohort(recipe) if plan.split == "test"]
    chosen = np.array([[i in marked_islands(plan, recipe, ISLANDS) for i in ISLANDS] for plan in plans])
    assert np.abs(chosen.mean(axis=0) - 0.5).max() < 0.06
    assert abs(np.corrcoef(chosen.T)[0, 1]) < 0.12


def test_no_confounder_no_ink():
    recipe = PhantomRecipe()
    assert all(marked_islands(plan, recipe, ISLANDS) == () for plan in plan_cohort(recipe))
    assert draw_ink(CANVAS, (), np.random.default_rng(0)).density is None


def test_strokes_hatch_their_island_and_stay_in_it():
    for seed in range(6):
        ink = draw_ink(CANVAS, ISLANDS[:1], np.random.default_rng(seed))
        island = CANVAS.inside(ISLANDS[0].outline.buffer(1.5))
        # Width over distance: 5 to 7 um of every 26.
        assert 0.17 < ink.mask[island].mean() < 0.29
        assert not (ink.mask & ~island).any()
        assert ink.density is not None
        assert ink.density[ink.mask].max() > 0.3
        assert ink.density[:, 600:].max() == 0


def test_no_tile_within_a_marked_island_is_without_ink_nor_without_tissue_between():
    """A tile of 32 um: the ink must be enough to tell it, and leave the nuclei to be read."""
    inside = CANVAS.inside(ISLANDS[0].outline)
    tiles = [(slice(y, y + 64), slice(x, x + 64)) for y in range(0, 596, 16) for x in range(0, 560, 16)]
    for seed in range(6):
        mask = draw_ink(CANVAS, ISLANDS[:1], np.random.default_rng(seed)).mask
        shares = [mask[tile].mean() for tile in tiles if inside[tile].all()]
        assert len(shares) > 20
        assert min(shares) > 0.05
        assert max(shares) < 0.5
