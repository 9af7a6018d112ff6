"""A calibration that was not searched for."""

from pathlib import Path

from tasks.artifacts.calibration import INFO, CalibrationInfo


def write_calibration(out: Path, sigma: float) -> dict[str, float]:
    """Write a Calibration that found ``sigma`` into ``out`` and return its measures."""
    info = CalibrationInfo(
        recipe={},
        sigma=sigma,
        drop=0.05,
        drop_spread=0.01,
        below=sigma,
        above=sigma,
        at_lowest=False,
        clean_balanced_accuracy=0.9,
        clean_cross_entropy=0.3,
        chance=0.5,
        tiles={"normal": 4, "tumour": 4},
    )
    (out / INFO).write_text(info.model_dump_json(), encoding="utf-8")
    return {"sigma": sigma, "drop": 0.05}
