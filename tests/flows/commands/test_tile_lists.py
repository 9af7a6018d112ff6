import pytest
from rich.console import Console

from flows.commands.tile_lists import pairs, split_fractions, tile_lists
from tasks.interchange.tile_tables import TileTableJob
from tasks.study.errors import UsageError
from tests._support.tile_images import png, tile_pixels


def test_pairs_are_read_and_others_refused():
    assert pairs(" image=file, x = left,", "--columns") == {"image": "file", "x": "left"}
    for wrong in ("image", "=a", "a=", "a=b,a=c"):
        with pytest.raises(UsageError, match=r"--columns: .* is no pair"):
            pairs(wrong, "--columns")


def test_fractions_of_splits_are_read_and_others_refused():
    assert split_fractions("train=0.7,test=0.3") == (0.7, 0.0, 0.3)
    with pytest.raises(UsageError, match="names 'dev'; allowed are train, val and test"):
        split_fractions("dev=1")
    with pytest.raises(UsageError, match="--fractions: could not convert"):
        split_fractions("train=many")


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(png(tile_pixels(0)))
    (tmp_path / "t.csv").write_text("image\na.png\n", encoding="utf-8")
    tile_lists(TileTableJob(tmp_path / "t.csv", tmp_path, tmp_path, 1.0, cut=8), Console(width=200))
    said = capsys.readouterr().out
    assert "wrote 1 tile lists of 4 tiles" in said
    assert "every slide counts as a patient of its own" in said
