from tasks.slides.info import SectionInfo, SlideInfo, read_info
from tests._support.geometries import geometry_of


def test_what_is_written_is_read_back(tmp_path):
    info = SlideInfo(
        slide_id="a",
        geometry=geometry_of(2011, 1523, thumbnail=(500, 379)),
        classes=("normal", "tumour"),
        sections=(SectionInfo(section=1, tiles=3, area_um2=1e5),),
        counts={"normal": 2, "tumour": 1},
        failed_tiles=1,
        saturation_threshold=0.2,
        repaired_outlines=0,
    )
    (tmp_path / "slide.json").write_text(info.model_dump_json(indent=1))
    assert read_info(tmp_path) == info
