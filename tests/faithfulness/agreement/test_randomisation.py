"""The very maps that Quantus compared, compared by us."""

import numpy as np
import torch
from torch import nn

from tasks.faithfulness.parameter_randomisation import ParameterRandomisation
from tasks.faithfulness.random_logit import RandomLogit
from tasks.functional.randomised_layers import randomised_layers
from tests._support.agreement import curve, gradients, inputs, quantus, score, values
from tests._support.explaining import Known


def clean_maps() -> np.ndarray:
    return gradients(torch.from_numpy(inputs()["grey"][:, None] / 255.0).float(), None).numpy()


def recorded(name: str, first: int) -> Known:
    """An explainer that gives the maps that Quantus was given, from ``first`` on, one after the other."""
    turns = iter(torch.from_numpy(inputs()[f"quantus_{name}_maps"])[first:])
    return Known(lambda _images, _keys: next(turns))


def test_random_logit_is_the_same_rank_correlation(tmp_path):
    ours = score(tmp_path, RandomLogit(), clean_maps(), recorded("random_logit", 0))
    np.testing.assert_allclose(values(ours, "signed"), quantus("random_logit"), atol=1e-6)


def test_parameter_randomisation_is_the_same_rank_correlation_layer_by_layer(tmp_path):
    """Quantus explains the plain network once more first; then its three layers, the output's first."""
    theirs = {name: np.array(each) for name, each in quantus("mprt").item().items()}
    assert list(theirs) == ["original", "6", "2", "0"]
    ours = score(tmp_path, ParameterRandomisation(stages=3), clean_maps(), recorded("mprt", 1))
    lines = np.stack([theirs[name] for name in ("6", "2", "0")], axis=1)
    np.testing.assert_allclose(curve(ours, "signed"), lines, atol=1e-6)


def test_layers_of_one_shape_get_equal_weights_in_quantus_and_their_own_here():
    """It sets the seed anew before every layer (and with it the caller's generator)."""
    assert quantus("mprt_equal_layers")
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    with randomised_layers(network, ("0.weight", "1.weight"), 0):
        assert not torch.equal(network[0].weight, network[1].weight)
