import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.exemplars._class_colours import CLASS_COLOURS, NO_CLASS
from tasks.exemplars.base import ExemplarError, ExemplarJob, show_exemplars
from tasks.exemplars.nearest_tiles import NearestTiles
from tasks.models.classifier import Classifier
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
ALONE = "explained tiles without a training tile of another slide and patient"
PLAN = (
    ("t1", "p1", "train", 20),
    ("t2", "p1", "train", 15),
    ("t3", "p2", "train", 25),
    ("v1", "p1", "val", 12),
    ("x1", "p9", "test", 15),
)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    return {name: make_tile_set(folder / name, name, p, split, count) for name, p, split, count in PLAN}


def network():
    model = Classifier(small_network(), (0.7, 0.6, 0.7), (0.2, 0.2, 0.2))
    return model.eval().requires_grad_(False)


def shown(slides, explained, out, train=("t1", "t2", "t3"), model=None, **fields):
    out.mkdir()
    job = ExemplarJob(
        model or network(), [slides[n] for n in train], [slides[n] for n in explained], CLASSES, 1, batch=8
    )
    measures = show_exemplars(NearestTiles(**fields), job, out)
    return ExemplarSet(out), measures


def features(model, tiles, rows):
    images = torch.from_numpy(tiles.pixels[rows] / 255.0).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        found, logits = model.with_features(images)
    return found.mean((2, 3)).double().numpy(), logits.double().numpy()


def brute_force(slides, train, query, count):
    """Return the tile ids and cosines of the nearest of ``train`` to one tile, in numpy, all at once."""
    model, slide = network(), query.split("/")[0]
    own = features(model, slides[slide], slides[slide].table.index[slides[slide].table["tile_id"] == query])[
        0
    ]
    names, cosines = [], []
    for name in sorted(train):
        table = slides[name].table
        rows = np.flatnonzero(table["label"].isin(CLASSES))
        if table["patient_id"].iloc[0] == slides[slide].table["patient_id"].iloc[0]:
            continue
        theirs = features(model, slides[name], rows)[0]
        lengths = np.linalg.norm(theirs, axis=1) * np.linalg.norm(own)
        cosines += (theirs @ own[0] / lengths).tolist()
        names += table["tile_id"].iloc[rows].tolist()
    order = np.argsort(-np.array(cosines), kind="stable")[:count]
    return [names[place] for place in order], [cosines[place] for place in order]


def test_the_neighbours_are_those_of_brute_force(slides, tmp_path):
    found, _ = shown(slides, ["x1", "v1"], tmp_path / "a", neighbours=4, queries_per_slide=12)
    table = found.table("neighbours.parquet")
    assert len(table) == 2 * 12 * 4
    for query, rows in table.groupby("query"):
        names, cosines = brute_force(slides, ("t1", "t2", "t3"), query, 4)
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        assert rows["neighbour"].tolist() == names
        np.testing.assert_allclose(rows["cosine"], cosines, atol=1e-6)


@pytest.mark.parametrize(("patient", "expected"), [("p1", {"t3"}), ("p7", {"copy"})])
def test_the_same_tiles_in_another_slide_are_neighbours_unless_of_the_same_patient(
    slides, patient, expected, tmp_path
):
    """Trap: a patient that train and val share, as a config may allow, is its own best neighbour."""
    copy = make_tile_set(tmp_path / "copy", "copy", patient, "train", 12)
    np.save(copy.folder / "pixels.npy", slides["v1"].pixels)
    found, _ = shown({**slides, "copy": copy}, ["v1"], tmp_path / "a", train=("t1", "t3", "copy"))
    nearest = found.table("neighbours.parquet").query("rank == 1 and query_label != 'mixed'")
    assert len(nearest) > 0
    assert set(nearest["neighbour_slide_id"]) == expected
    if patient == "p7":
        np.testing.assert_allclose(nearest["cosine"], 1.0, atol=1e-9)


def test_tiles_that_an_outline_crosses_are_asked_about_and_are_no_candidates(slides, tmp_path):
    found, _ = shown(slides, ["x1"], tmp_path / "a", neighbours=10, queries_per_slide=12)
    table = found.table("neighbours.parquet")
    assert set(table["query_label"]) == {*CLASSES, "mixed"}
    assert set(table["neighbour_label"]) == set(CLASSES)


def test_a_training_slide_that_is_explained_is_not_its_own_neighbour(slides, tmp_path):
    found, _ = shown(slides, ["t3", "t1"], tmp_path / "a")
    table = found.table("neighbours.parquet")
    assert set(table.loc[table["slide_id"] == "t3", "neighbour_slide_id"]) <= {"t1", "t2"}
    assert set(table.loc[table["slide_id"] == "t1", "neighbour_slide_id"]) == {"t3"}


def test_a_query_of_which_all_candidates_are_left_out_is_counted_and_said(slides, tmp_path):
    found, measures = shown(slides, ["v1", "x1"], tmp_path / "a", train=("t1", "t2"))
    assert found.info.excluded == {ALONE: 12}
    table = found.table("slides.parquet").set_index("slide_id")
    assert table["without_candidates"].to_dict() == {"v1": 12, "x1": 0}
    assert np.isnan(table.loc["v1", ["agreement", "chance"]].astype(float)).all()
    assert set(found.table("neighbours.parquet")["slide_id"]) == {"x1"}
    assert measures["neighbour_agreement"] == table.loc["x1", "agreement"]
    alone = np.asarray(Image.open(found.folder / "nearest_v1.png"))
    assert (alone[184:206, 190:500] < 128).any(), "the row says why it is empty"


def test_with_no_candidate_at_all_there_is_no_figure(slides, tmp_path):
    found, measures = shown(slides, ["v1"], tmp_path / "a", train=("t1", "t2"))
    assert measures == {}
    assert len(found.table("neighbours.parquet")) == 0
    assert "patient" not in " ".join(found.table("neighbours.parquet").columns)


class DarkNucleus(nn.Module):
    """Feature 0: how dark a tile is; feature 1: a constant. Tumour where the nucleus is large."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.convolution.weight.zero_()[0].fill_(-1)
            self.convolution.bias.copy_(torch.tensor([3.0, 0.2]))

    def forward(self, images):
        dark = self.convolution(images)[:, 0].mean((1, 2))
        return torch.stack([torch.zeros_like(dark), dark - 0.75], dim=1)


def test_agreement_stands_beside_the_share_of_the_predicted_class_among_candidates(slides, tmp_path):
    model = Classifier(DarkNucleus(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).eval()
    found, measures = shown(slides, ["x1"], tmp_path / "a", model=model, neighbours=3)
    row = found.table("slides.parquet").iloc[0]
    tables = [slides[name].table for name in ("t1", "t2", "t3")]
    labels = pd.concat(tables)["label"].value_counts()
    shares = {name: labels[name] / labels[list(CLASSES)].sum() for name in CLASSES}
    with torch.no_grad():
        images = torch.from_numpy(slides["x1"].pixels / 255.0).permute(0, 3, 1, 2).float()
        predicted = model(images).argmax(1).tolist()
    assert row["chance"] == pytest.approx(np.mean([shares[CLASSES[place]] for place in predicted]))
    assert measures["neighbour_chance"] == pytest.approx(row["chance"])
    clear = found.table("neighbours.parquet").query("rule == 'surest'")
    assert (clear["neighbour_label"] == clear["query_predicted"]).all()


def test_agreement_is_over_all_tiles_of_a_slide_and_not_over_those_shown(slides, tmp_path):
    few, measures = shown(slides, ["x1"], tmp_path / "few", queries_per_slide=1)
    many, others = shown(slides, ["x1"], tmp_path / "many", queries_per_slide=12)
    assert measures == others
    assert few.table("slides.parquet")["tiles"].tolist() == [15]
    every = many.table("neighbours.parquet")
    assert every["query"].nunique() == 12


def test_probabilities_and_labels_are_those_of_the_tiles(slides, tmp_path):
    found, _ = shown(slides, ["x1"], tmp_path / "a", queries_per_slide=2)
    table = found.table("neighbours.parquet")
    model = network()
    for side in ("query", "neighbour"):
        for _, row in table.iterrows():
            tiles = slides[row[side].split("/")[0]]
            place = np.flatnonzero(tiles.table["tile_id"] == row[side])
            logits = features(model, tiles, place)[1][0]
            expected = np.exp(logits) / np.exp(logits).sum()
            given = [row[f"{side}_p_{name}"] for name in CLASSES]
            np.testing.assert_allclose(given, expected, atol=1e-5)
            assert row[f"{side}_predicted"] == CLASSES[int(expected.argmax())]
            assert row[f"{side}_label"] == tiles.table["label"].iloc[place[0]]


def test_the_strip_shows_the_query_and_its_neighbours_in_their_frames(slides, tmp_path):
    found, _ = shown(slides, ["x1"], tmp_path / "a", neighbours=5, queries_per_slide=3)
    assert [path.name for path in found.pictures] == ["nearest_x1.png"]
    page = np.asarray(Image.open(found.pictures[0]))
    table = found.table("neighbours.parquet")
    top, side, step = 96 + 26, 128, 128 + 14
    for number, (_, rows) in enumerate(table.groupby("query", sort=False)):
        down = top + number * (26 + side + 2 + 9 + 76)
        first = rows.iloc[0]
        check(page, slides, (20, down), first["query"], first["query_label"], first["query_predicted"])
        for place, row in enumerate(rows.itertuples()):
            corner = (20 + side + 34 + place * step, down)
            check(page, slides, corner, row.neighbour, row.neighbour_label, row.neighbour_predicted)


def check(page, slides, corner, tile, label, predicted):
    left, top = corner
    colours = dict(zip(CLASSES, CLASS_COLOURS, strict=False))
    frame = tuple(bytes.fromhex(colours.get(label, NO_CLASS)[1:]))
    assert tuple(page[top + 2, left + 60]) == frame
    assert tuple(page[top + 128 + 2 + 4, left + 60]) == tuple(bytes.fromhex(colours[predicted][1:]))
    tiles = slides[tile.split("/")[0]]
    pixels = np.asarray(tiles.pixels[int(np.flatnonzero(tiles.table["tile_id"] == tile)[0])])
    large = np.asarray(Image.fromarray(pixels).resize((118, 118), Image.Resampling.LANCZOS))
    assert np.array_equal(page[top + 5 : top + 123, left + 5 : left + 123], large)


def test_few_training_tiles_are_few_neighbours(slides, tmp_path):
    small = make_tile_set(tmp_path / "s", "s", "p5", "train", 3)
    found, _ = shown({**slides, "s": small}, ["x1"], tmp_path / "a", train=("s",))
    assert found.table("neighbours.parquet").groupby("query").size().tolist() == [2, 2, 2]


def test_without_an_explained_tile_there_is_nothing_to_show(slides, tmp_path):
    with pytest.raises(ExemplarError, match="none of the 0 explained slides has a tile that can be read"):
        shown(slides, [], tmp_path / "a")


@pytest.mark.parametrize("fields", [{"neighbours": 0}, {"queries_per_slide": 0}])
def test_fields_have_bounds(fields):
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        NearestTiles(**fields)
