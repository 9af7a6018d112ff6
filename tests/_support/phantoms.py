"""Small phantom cohorts for tests."""

from tasks.phantoms.recipe import PhantomRecipe

SMALL = PhantomRecipe(train=(2,), val=(1,), test=(1,), size_px=(1240, 660))
"""Four slides of two small pieces each; the second has no tumour."""
