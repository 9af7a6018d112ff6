from tasks.tracking.names import column_of, flat, key_of, tag_text, without_hashes


def test_what_mlflow_refuses_in_keys_is_replaced():
    assert key_of("faithfulness/smoothgrad/deletion.gap") == "faithfulness/smoothgrad/deletion.gap"
    assert key_of("dice@0.5 (macro)") == "dice_0.5 _macro_"
    assert key_of("/x/") == "x"
    assert len(key_of("k" * 400)) == 250


def test_nested_settings_become_one_level():
    settings = {"train": {"arms": [{"id": "a", "lr": 0.1}], "seeds": (0, 1)}, "none": None, "empty": {}}
    assert flat(settings) == {
        "train.arms.0.id": "a",
        "train.arms.0.lr": "0.1",
        "train.seeds": "[0, 1]",
        "none": "None",
        "empty": "{}",
    }


def test_long_texts_are_cut():
    assert len(flat({"a": "x" * 10_000})["a"]) == 6000
    assert tag_text("short") == "short"
    assert tag_text("x" * 10_000).endswith("\n...")


def test_digests_are_tags_and_no_axes():
    params = {"seed": "123456789", "width": "0.25", "fingerprint": "0a" * 32, "network.weights": "f0" * 12}
    kept, digests = without_hashes(params)
    assert kept == {"seed": "123456789", "width": "0.25"}
    assert digests == {"recipe.fingerprint": "0a" * 32, "recipe.network.weights": "f0" * 12}


def test_heads_of_tables_hold_no_dot():
    assert column_of("lrp/deletion.gap.mean") == "lrp/deletion gap mean"
