from tasks.artifacts.colour_scale import SCALE, ColourScale, ScaleInfo, SlideScale


def test_a_scale_is_read_as_it_was_written(tmp_path):
    info = ScaleInfo(
        limit=0.25,
        tile_limit=2.0,
        percentile=99.0,
        smoothing_um=4.0,
        rounding=2.0**-12,
        maps=6,
        values=700,
        slides={"s1": SlideScale(maps=6, values=700, limit=0.25)},
        models={"standard/seed0": 0.25},
    )
    (tmp_path / SCALE).write_text(info.model_dump_json())
    assert ColourScale(tmp_path).info == info
