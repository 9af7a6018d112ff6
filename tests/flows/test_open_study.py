"""Input files are hashed once, and a device is asked for by kind."""

import pytest

from flows.open_study import open_study, refuse_unfit_network
from tasks.study.errors import ConfigError
from tests._support.studies import tiny_config


def test_a_study_has_one_device_slot_or_those_that_are_named(manifest, tmp_path):
    plain = open_study(tiny_config(manifest), tmp_path, None)
    assert plain.device_slots == ("cpu",)
    two = open_study(tiny_config(manifest, resources={"devices": ["cpu", "cpu"]}), tmp_path, None)
    assert two.device_slots == ("cpu", "cpu")
    assert two.device == "cpu"


@pytest.mark.parametrize(
    ("device", "slots", "sentence"),
    [
        ("cpu", ["cuda:0"], "must be of the kind that device names: cpu"),
        ("auto", ["cuda:0", "cpu"], "must be of one kind, got cpu, cuda"),
    ],
)
def test_device_slots_of_another_kind_are_refused(manifest, device, slots, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_config(manifest, device=device, resources={"devices": slots})


def with_network(manifest, **network):
    recipe = {"network": network, "epochs": 2, "batch": 16}
    return tiny_config(manifest, train={"arms": [{"id": "standard"}], "seeds": [0], "recipe": recipe})


def test_a_network_of_ours_is_not_made_to_validate(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.models.classifier.build_classifier", None)
    assert refuse_unfit_network(open_study(tiny_config(manifest), tmp_path, None)) == ()


def test_a_brought_network_is_asked_before_any_slide_is_read(manifest, tmp_path):
    module = "tests._support.odd_networks"
    good = {"module": f"{module}:Checkpointed", "arguments": {}}
    assert refuse_unfit_network(open_study(with_network(manifest, **good), tmp_path, None)) == ()
    said = {"module": f"{module}:Probabilities", "arguments": {}}
    (note,) = refuse_unfit_network(open_study(with_network(manifest, **said), tmp_path, None))
    assert "outputs of Probabilities look like probabilities" in note
    for name, said in (
        ("OfTheBatch", r"^train\.recipe: OfTheBatch gives an image other logits alone"),
        ("Absent", rf"^train\.recipe: network\.module '{module}:Absent' cannot be imported: AttributeError"),
        ("Raising", r"cannot be made with no argument: TypeError: .*'error'"),
    ):
        config = with_network(manifest, module=f"{module}:{name}", arguments={})
        with pytest.raises(ConfigError, match=said):
            refuse_unfit_network(open_study(config, tmp_path, None))


def test_initial_weights_are_read_before_any_slide_is(manifest, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"PK\x03\x04" + b"pickled" * 9)
    study = open_study(with_network(manifest, width=0.0625, init=str(path)), tmp_path, None)
    with pytest.raises(ConfigError, match=r"^train\.recipe: network\.init 'w\.safetensors' is pickled by"):
        refuse_unfit_network(study)
