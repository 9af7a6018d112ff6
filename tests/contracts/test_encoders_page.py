"""docs/encoders.md names every encoder and preset with what the table of the code says, and its code runs."""

import re
import types

import pytest
import torch
import yaml

from tasks.embed import EmbedSection
from tasks.embedding.admission import check_encoder
from tasks.models.encoders._published import PRESETS
from tasks.models.encoders.base import Encoder
from tasks.plugins import available
from tests._support.snippets import ROOT, blocks

PAGE = "docs/encoders.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def rows_naming(word):
    return [line for line in TEXT.splitlines() if line.startswith("|") and f"`{word}`" in line.split("|")[1]]


def numbers(cell):
    return [float(each) for each in re.findall(r"\d+(?:\.\d+)?", cell.replace(",", ""))]


@pytest.mark.parametrize("name", available(Encoder.package))
def test_every_encoder_has_a_row(name):
    assert len(rows_naming(name)) == 1


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_row_with_its_tiles_mpp_width_and_licence(name):
    (row,) = rows_naming(name)
    _, _, tiles, mpp, _, features, licence, _ = (cell.strip() for cell in row.split("|"))
    preset = PRESETS[name]
    assert tiles == (", ".join(map(str, preset.tiles)) or "any")
    assert mpp == (", ".join(f"{each:g}" for each in preset.mpp) or "any")
    width = preset.shape.dim * (2 if preset.features == "cls_and_mean" else 1)
    assert numbers(features)[0] == width
    assert licence.split()[0].rstrip(",") in preset.licence
    assert ("¹" in licence) == ("derivatives" in preset.licence)


def test_the_code_of_the_page_is_an_encoder():
    (code,) = blocks(PAGE)
    module = types.ModuleType("tasks.models.encoders.my_encoder")
    exec(code, module.__dict__)
    encoder = module.MyEncoder()
    assert encoder.facts().name == "my_encoder"
    assert check_encoder(encoder, 8, 0.5) == 3
    assert encoder.build()(torch.full((1, 3, 4, 4), 0.25)).tolist() == [[0.25] * 3]


@pytest.mark.parametrize("text", blocks(PAGE, "yaml"))
def test_sections_of_the_page_are_accepted(text):
    section = EmbedSection.model_validate(yaml.safe_load(text)["embed"])
    section.encoder.refuse_tiles(224, 0.5)
