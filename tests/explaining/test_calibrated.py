"""What was calibrated is put where it is waited for."""

import pytest

from tasks.artifacts.calibration import Calibration
from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.explaining.calibrated import calibrated
from tests._support.calibrations import write_calibration


@pytest.fixture
def calibration(tmp_path):
    write_calibration(tmp_path, 0.07)
    return Calibration(tmp_path)


def test_the_sigma_found_is_filled_in_however_deep_it_is_waited_for(calibration):
    assert calibrated(NoiseGrad(), calibration).sigma == 0.07
    assert calibrated(UntrainedNetwork(base={"name": "noisegrad"}), calibration).base.sigma == 0.07


def test_a_given_sigma_and_explainers_without_one_stay(calibration):
    assert calibrated(NoiseGrad(sigma=0.2), calibration).sigma == 0.2
    assert calibrated(Gradient(), None) == Gradient()
