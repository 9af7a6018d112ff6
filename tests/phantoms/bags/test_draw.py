"""What is drawn is what was planned: kinds look apart, ink lies on the stamped tile alone."""

import numpy as np

from tasks.phantoms.bags.draw import draw_bag
from tasks.phantoms.bags.plan import A, D, plan_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe


def test_the_same_slide_is_drawn_the_same_and_other_slides_differ():
    recipe = BagPhantomRecipe(rule="stamp", train=4, val=4, test=4, columns=4, rows=5, most=4)
    first, second, *_ = plan_bags(recipe)
    drawn = draw_bag(first, recipe)
    np.testing.assert_array_equal(drawn.rgb, draw_bag(first, recipe).rgb)
    assert not np.array_equal(drawn.rgb, draw_bag(second, recipe).rgb)
    assert drawn.rgb.shape == (7 * 64, 6 * 64, 3)
    row, column = (place + 1 for place in first.stamp)
    outside = drawn.ink.copy()
    outside[row * 64 : (row + 1) * 64, column * 64 : (column + 1) * 64] = False
    assert drawn.ink.any()
    assert not outside.any()


def test_glass_is_bright_and_remains_of_cells_are_darker_than_tumour():
    recipe = BagPhantomRecipe(rule="pairs", train=8, val=4, test=4, stain_spread=0)
    darkest = {}
    for bag in list(plan_bags(recipe))[:6]:
        drawn = draw_bag(bag, recipe)
        assert drawn.rgb[drawn.kinds < 0].mean() > 225
        for kind in {A, D} & set(np.unique(bag.kinds).tolist()):
            red = drawn.rgb[..., 0][drawn.kinds == kind]
            darkest.setdefault(kind, []).append(np.percentile(red, 3))
    assert len(darkest[A]) > 1
    assert max(darkest[D]) + 20 < min(darkest[A])
