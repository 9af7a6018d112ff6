from tasks.study.paths import with_names


def test_only_the_paths_that_are_named_are_shortened_at_any_depth():
    config = {"a": [{"weights": "/w/uni.bin"}, "/w"], "b": {"uri": "/w/uni.bin/x", "seed": 0, "none": None}}
    assert with_names(config, {"/w/uni.bin"}) == {
        "a": [{"weights": "uni.bin"}, "/w"],
        "b": {"uri": "/w/uni.bin/x", "seed": 0, "none": None},
    }
