"""The benchmark of the slide level: parts are put together, and embedding is held against its floor."""

import json
import sys
from types import SimpleNamespace

import pytest

from benchmarks import feed, slide_level, slide_level_embed
from benchmarks.slide_level_embed import EmbedSetting, measure


def test_the_figures_of_all_parts_are_the_last_line(capsys, monkeypatch):
    figures = {
        "embed": {"embed_over_floor": 1.1},
        "epoch": {"bag_epoch_seconds": 2.0, "bag_peak_memory_mb": 3.0},
        "curves": {"curve_speedup": 4.0, "closed_form_error": 5e-7, "other": 1.0},
    }
    monkeypatch.setattr(slide_level, "prepare", lambda home: None)
    for name, module in slide_level.PARTS.items():
        said = figures[name]
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(measure=lambda said=said: said))
    slide_level.main([])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "embed_over_floor": 1.1, "bag_epoch_seconds": 2.0, "bag_peak_memory_mb": 3.0, "curve_speedup": 4.0,
        "closed_form_error": 5e-7,
    }  # fmt: skip
    slide_level.main(["--only", "curves"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"curve_speedup": 4.0, "closed_form_error": 5e-7}


def test_embedding_is_held_against_reading_and_the_encoder(capsys, monkeypatch):
    monkeypatch.setattr(feed, "SIDE", 4)
    clock = iter(float(second) for second in (0, 0, 0, 0, 1, 1, 4, 4, 9))
    monkeypatch.setattr(slide_level_embed, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    found = measure(EmbedSetting(tiles=8, rounds=1, size=32))
    assert found == {"embed_over_floor": pytest.approx(5 / 4)}
    assert "floor" in capsys.readouterr().out
