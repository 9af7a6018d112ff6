"""What was calibrated is put where it is waited for."""

from tasks.artifacts.part import Part
from tasks.artifacts.store import Store
from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.explaining.resolved import resolved
from tests._support.calibrations import write_calibration


def stored(tmp_path):
    store = Store(tmp_path)
    part = Part(stage="explain", label="calibrate/a/seed0/noisegrad", kind="Calibration", recipe={})
    return store, {"calibration": store.reuse_or_build(part, lambda out: write_calibration(out, 0.07))}


def test_the_sigma_found_is_filled_in_however_deep_it_is_waited_for(tmp_path):
    store, inputs = stored(tmp_path)
    assert resolved(store, inputs, NoiseGrad()).sigma == 0.07
    assert resolved(store, inputs, UntrainedNetwork(base={"name": "noisegrad"})).base.sigma == 0.07


def test_a_given_sigma_and_explainers_without_one_stay(tmp_path):
    store, inputs = stored(tmp_path)
    assert resolved(store, inputs, NoiseGrad(sigma=0.2)).sigma == 0.2
    assert resolved(store, {}, Gradient()) == Gradient()
