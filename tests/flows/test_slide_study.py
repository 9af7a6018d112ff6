"""One tiny study of level slide from slides to pages: every stage, both axes, and what a person opens."""

from tasks.phantoms.bags.recipe import BagPhantomRecipe

COHORT = BagPhantomRecipe(train=4, val=4, test=8, columns=4, rows=5, most=4)
