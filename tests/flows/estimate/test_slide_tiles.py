"""How many tiles a slide probably has, and what is said of the guess."""

import pytest

from flows.estimate.slide_tiles import SlideTiles, basis_in_words, tiles_by_size
from tasks.slides.row import SlideRow
from tasks.slides.slide_facts import SlideFacts
from tasks.tiling.recipe import TilingRecipe

ROW = SlideRow(slide_id="a", patient_id="p", path="a.svs", split="train")


def test_tiles_by_pixels_are_those_of_the_grid_times_the_tissue(tmp_path):
    facts = SlideFacts(width=100_000, height=200_000, mpp=("0.25", "0.25"))
    recipe = TilingRecipe(mpp=0.5, tile_px=224)
    # 25,000 x 50,000 um in tiles of 112 um: 223 x 446, of which 0.3 on tissue.
    assert tiles_by_size(ROW, facts, tmp_path, recipe) == SlideTiles(29_838, "size in pixels")
    half = recipe.model_copy(update={"stride_px": 112})
    # floor((25,000 - 112) / 56) + 1 = 445 by floor((50,000 - 112) / 56) + 1 = 891
    assert tiles_by_size(ROW, facts, tmp_path, half).tiles == 118_949


def test_an_override_counts_and_a_slide_without_a_size_is_taken_for_a_usual_one(tmp_path):
    recipe = TilingRecipe(mpp=0.5, tile_px=200)
    facts = SlideFacts(width=10_000, height=10_000, mpp=("0.25", "0.25"))
    other = ROW.model_copy(update={"mpp_override": None, "mpp": None})
    row = SlideRow.model_validate({**other.model_dump(), "mpp_override": "0.5", "mpp_override_reason": "x"})
    assert tiles_by_size(row, facts, tmp_path, recipe).tiles == 750  # 50 x 50
    bare = SlideFacts(width=10_000, height=10_000)
    assert tiles_by_size(ROW, bare, tmp_path, recipe).tiles == 188  # 25 x 25 at 0.25 um/px, rounded up


def test_a_slide_that_cannot_be_opened_is_judged_by_its_bytes(tmp_path):
    path = tmp_path / "a.svs"
    path.write_bytes(b"\0" * 1_000_000)  # 4 million pixels: 2,000 x 2,000, 500 um a side
    recipe = TilingRecipe(mpp=0.5, tile_px=100)
    assert tiles_by_size(ROW, SlideFacts(problem="x"), path, recipe) == SlideTiles(30, "size of the file")


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        (["tiled", "inspected"], "tiles: 2,000 on 2 slides (1 tiled, 1 inspected)"),
        (
            ["size in pixels"],
            "tiles: 1,000 on 1 slides (1 size in pixels); "
            "where no slide was inspected, a guess with 30% tissue; --deep inspects",
        ),
        (
            ["tiled", "size of the file"],
            "tiles: 2,000 on 2 slides (1 tiled, 1 size of the file); where no slide was inspected, "
            "a guess with 30% tissue and 0.25 bytes a pixel, 0.25 um/px; --deep inspects",
        ),
    ],
)
def test_a_guess_is_called_one(bases, said):
    assert basis_in_words({str(n): SlideTiles(1000, basis) for n, basis in enumerate(bases)}) == said


def test_a_slide_smaller_than_a_tile_has_none(tmp_path):
    facts = SlideFacts(width=100, height=100, mpp=("0.5", "0.5"))
    assert tiles_by_size(ROW, facts, tmp_path, TilingRecipe(mpp=0.5, tile_px=224)).tiles == 0
