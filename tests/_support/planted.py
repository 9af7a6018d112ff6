"""Cohorts whose inputs name a patient everywhere: in names of files and folders, tags, masks and tables."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from PIL import Image

from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tests._support.studies import tiny_cohort

NEEDLE = "quillfeather"
"""Stands in every planted text, so that one search finds all of them, however the rest is escaped."""

COLOUR = (0, 255, 0)
"""Of the planted label and macro images; no slide, map or page has it."""


def planted(where: str) -> str:
    """Return the text that is planted at a place, which a finding then names."""
    return f"Quillfeather_{where}_19311224"


def patient(number: int) -> str:
    """Return a patient id with what has to be escaped in JSON, XML, HTML and addresses."""
    return f"Zoë Quillfeather & O'Brien <{number}>"


def plant_tiles(folder: Path) -> Path:
    """Draw a small cohort of Aperio slides with tumour outlines and return its manifest."""
    plain = tiny_cohort(folder / "plain")
    rows = list(csv.DictReader(plain.open(encoding="utf-8")))
    root = folder / "cohort"
    for number, row in enumerate(rows):
        named = f"{planted('folder')}/{planted('file')}_{number}"
        (root / named).parent.mkdir(parents=True, exist_ok=True)
        write_aperio(root / f"{named}.svs", tifffile.imread(plain.parent / row["path"], key=0), number)
        row |= {"path": f"{named}.svs", "sha256": "", "mpp": ""}
        row |= {"slide_id": f"s{number:02d}", "patient_id": patient(number)}
        for mask in ("evidence", "decoy"):
            row[mask] = _mask(plain.parent / row[mask], root, f"{named}_{mask}.png")
        if row["annotation"]:
            row["annotation"] = _outlines(plain.parent / row["annotation"], root, named, asap=number % 2 == 0)
        row["notes"] = planted("metadata")
    return _manifest(root, rows)


def plant_bags(folder: Path) -> Path:
    """Draw a small cohort of level slide, with masks and pixels, and return its manifest."""
    recipe = BagPhantomRecipe(train=4, val=4, test=4, columns=4, rows=5, most=4)
    plain = generate_bags(folder / "plain", recipe)
    rows = list(csv.DictReader(plain.open(encoding="utf-8")))
    root = folder / "cohort"
    for number, row in enumerate(rows):
        named = f"{planted('folder')}/{planted('file')}_{number}"
        (root / named).parent.mkdir(parents=True, exist_ok=True)
        pixels = tifffile.imread(plain.parent / row["path"], key=0)
        write_aperio(root / f"{named}.svs", pixels, number, mpp=float(row["mpp"]))
        row |= {
            "path": f"{named}.svs",
            "slide_id": f"s{number:02d}",
            "patient_id": patient(number),
            "mpp": "",
        }
        for mask in ("evidence", "decoy", "artefact"):
            if row[mask]:
                row[mask] = _mask(plain.parent / row[mask], root, f"{named}_{mask}.png")
        row["notes"] = planted("metadata")
    return _manifest(root, rows)


def plant_features(folder: Path) -> Path:
    """Write feature files of TRIDENT for twelve slides without pixels and return their manifest."""
    root, rng, rows = folder / "cohort", np.random.default_rng(0), []
    for number in range(12):
        name = f"{planted('folder')}/{planted('file')}_{number}.h5"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        grid = np.stack(np.meshgrid(np.arange(5), np.arange(4)), axis=-1).reshape(-1, 2) * 128
        with h5py.File(root / name, "w") as file:
            features = rng.normal(number % 2, 1, size=(len(grid), 8)).astype(np.float32)
            file.create_dataset("features", data=features).attrs["encoder"] = "uni_v1"
            file["features"].attrs.update({"name": planted("h5name"), "patient": planted("h5patient")})
            file.attrs["description"] = planted("h5file")
            stored = file.create_dataset("coords", data=grid)
            stored.attrs.update({
                "patch_size": 64, "patch_size_level0": 128, "level0_magnification": 40, "overlap": 0,
                "target_magnification": 20, "name": planted("coords"), "savetodir": planted("savetodir"),
                "level0_width": 640, "level0_height": 512,
            })  # fmt: skip
        rows.append({
            "slide_id": f"s{number:02d}", "patient_id": patient(number), "path": "", "features": name,
            "split": ("train", "val", "test")[number // 4], "label": ("negative", "positive")[number % 2],
            "mpp": "0.25", "notes": planted("metadata"),
        })  # fmt: skip
    return _manifest(root, rows)


def write_aperio(path: Path, pixels: np.ndarray, number: int, mpp: float = 1.0) -> Path:
    """Write a slide as Aperio does: a description with names, and a label and a macro image."""
    height, width = pixels.shape[:2]
    said = (
        f"Aperio Image Library v12.0.15\r\n{width}x{height} [0,0 {width}x{height}] (128x128) JPEG/RGB Q=90|"
        f"AppMag = 20|MPP = {mpp:g}|Filename = {planted('description')}|Patient = {patient(number)}|"
        f"Barcode = {planted('barcode')}|User = {planted('user')}"
    )
    own = {
        "photometric": "rgb", "compression": "jpeg", "metadata": None, "software": planted("software"),
        "datetime": "1931:12:24 11:12:13",
        "extratags": [
            (315, 2, 0, planted("artist"), True), (269, 2, 0, planted("document"), True),
            (285, 2, 0, planted("page"), True), (316, 2, 0, planted("host"), True),
            (33432, 2, 0, planted("copyright"), True), (65001, 2, 0, planted("private"), True),
        ],
    }  # fmt: skip
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, tile=(128, 128), description=_ascii(said), **own)
        small = np.asarray(Image.fromarray(pixels).resize((64, 64)))
        writer.write(small, description=_ascii(said), rowsperstrip=16, **own)
        for kind in ("label", "macro"):
            drawn = np.full((96, 128, 3), COLOUR, np.uint8)
            text = f"Aperio Image Library v12.0.15\r\n{kind} 128x96|{planted(kind)}"
            writer.write(drawn, description=text, rowsperstrip=16, subfiletype=1, **own)
    return path


def _ascii(text: str) -> bytes:
    return text.encode("utf-8")


def _mask(source: Path, root: Path, name: str) -> str:
    """Copy a mask, with texts in its PNG."""
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Description", planted("pngtext"))
    texts.add_itxt("Author", planted("pngitxt"), zip=True)
    with Image.open(source) as picture:
        picture.save(root / name, pnginfo=texts)
    return name


def _outlines(source: Path, root: Path, named: str, *, asap: bool) -> str:
    drawn = json.loads(source.read_text(encoding="utf-8"))["features"]
    if asap:
        (root / f"{named}.xml").write_text(_asap(drawn), encoding="utf-8")
        return f"{named}.xml"
    for feature in drawn:
        feature["id"] = planted("id")
        feature["properties"] |= {
            "name": planted("annotation"), "description": planted("annotated"),
            "metadata": {"Patient": planted("properties")},
        }  # fmt: skip
    collection = {"type": "FeatureCollection", "name": planted("collection"), "features": drawn}
    (root / f"{named}.geojson").write_text(json.dumps(collection), encoding="utf-8")
    return f"{named}.geojson"


def _asap(features: list[dict[str, Any]]) -> str:
    areas = []
    for feature in features:
        corners = "".join(
            f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>'
            for i, (x, y) in enumerate(feature["geometry"]["coordinates"][0])
        )
        areas.append(
            f'<Annotation Name="{planted("asap")}" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58">'
            f"<Coordinates>{corners}</Coordinates></Annotation>"
        )
    group = f'<Group Name="Tumor" PartOfGroup="None"><Attributes>{planted("group")}</Attributes></Group>'
    return (
        f'<?xml version="1.0"?><!-- {planted("comment")} --><ASAP_Annotations><Annotations>{"".join(areas)}'
        f"</Annotations><AnnotationGroups>{group}</AnnotationGroups></ASAP_Annotations>"
    )


def _manifest(root: Path, rows: list[dict[str, str]]) -> Path:
    path = root / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
