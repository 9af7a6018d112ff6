import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline
from tasks.tiling.names import UnknownNameError, class_indices, class_of, ignored_names
from tasks.tiling.recipe import TilingRecipe

TWO = TilingRecipe(mpp=1)
THREE = TilingRecipe(mpp=1, classes=("normal", "tumour", "necrosis"))


def outlines(*names):
    return [Outline(name, shapely.box(0, 0, 1, 1)) for name in names]


@pytest.mark.parametrize("name", ["tumour", "Tumour", " TUMOUR ", "Tumor", "tumor", "_0", "_1", "metastases"])
@pytest.mark.parametrize("classes", [("normal", "tumour"), ("normal", "necrosis", "tumour"), ("n", "Tumor")])
def test_the_names_of_camelyon_and_both_spellings_are_tumour(name, classes):
    assert class_of(name, TilingRecipe(mpp=1, classes=classes)) == len(classes) - 1


@pytest.mark.parametrize("name", ["tumor", "_0", "metastases"])
def test_they_mean_nothing_in_a_study_without_tumour(name):
    with pytest.raises(UnknownNameError):
        class_of(name, TilingRecipe(mpp=1, classes=("glass", "tissue")))


@pytest.mark.parametrize("name", ["normal", "Normal", " NORMAL\t"])
def test_the_first_class_is_found_without_case_and_outer_spaces(name):
    assert class_of(name, TWO) == 0


@pytest.mark.parametrize("name", ["Stroma", "Metastasis", "Tumor: Positive", "", "  ", "tumours", "_2"])
@pytest.mark.parametrize("recipe", [TWO, THREE])
def test_any_other_name_is_unknown(name, recipe):
    with pytest.raises(UnknownNameError):
        class_of(name, recipe)


@pytest.mark.parametrize("name", ["Ignore*", "Region*", "region*", "Other*"])
def test_what_qupath_ignores_is_ignored_unless_a_line_says_what_it_means(name):
    assert class_of(name, TWO) is None
    assert class_of(name, TWO.model_copy(update={"outline_classes": {name: "tumour"}})) == 1


def test_a_line_wins_over_everything_and_has_no_case():
    lines = {"STROMA ": "normal", "": "tumour", "normal": "ignore", "_2": "tumour"}
    recipe = TilingRecipe(mpp=1, outline_classes=lines)
    assert class_of("stroma", recipe) == 0
    assert class_of(" ", recipe) == 1
    assert class_of("Normal", recipe) is None
    assert class_of("_2", recipe, cut_out=True) == 1


def test_an_exclusion_is_of_the_first_class():
    assert class_of("exclude", TWO, cut_out=True) == 0


def test_an_error_lists_all_names_with_their_numbers_and_says_what_to_do():
    with pytest.raises(SlideError) as caught:
        class_indices(outlines("Tumor", "Stroma", "Stroma", "", "Tumor"), TWO, "a: a.geojson")
    assert str(caught.value) == (
        "a: a.geojson: \"\" (no name) (1), 'Stroma' (2) is no class; the names of its outlines are "
        "\"\" (no name) (1), 'Stroma' (2), 'Tumor' (2); the classes are normal, tumour. "
        "A line in tile.outline_classes must say which class each name means, or 'ignore'"
    )


def test_what_is_ignored_is_counted_by_name():
    recipe = TilingRecipe(mpp=1, outline_classes={"Ink": "ignore"})
    names = ["Tumor", "Ink", "Region*", "Ink"]
    indices = class_indices(outlines(*names), recipe, "a")
    assert indices == [1, None, None, None]
    assert ignored_names(names, indices) == {
        "the name 'Ink' is ignored": 2,
        "the name 'Region*' is ignored": 1,
    }
