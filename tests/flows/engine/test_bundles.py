"""Small artifacts go together, large ones alone, and every worker gets some."""

from flows.engine.bundles import MOST, Bundler
from tasks.artifacts.key import ArtifactKey, ModelKey

MODELS = [ModelKey("a", 0), ModelKey("b", 0)]


def singles(stage, count, model=None):
    return [[ArtifactKey(stage, model, slide=f"s{n}")] for n in range(count)]


def sizes(bundler, groups, workers=2):
    return [len(group) for group in bundler.bundled(groups, workers)]


def test_nothing_is_bundled_before_one_was_made():
    assert sizes(Bundler(), singles("tile", 5)) == [1] * 5


def test_a_request_is_worth_ten_seconds():
    bundler = Bundler()
    for seconds in (2.0, 4.0):
        bundler.note("explain", seconds)
    assert bundler.size("explain") == 4
    bundler.note("train", 60.0)
    assert bundler.size("train") == 1
    bundler.note("draw", 0.0)
    assert bundler.size("draw") == MOST


def test_models_are_not_mixed_and_nothing_is_lost():
    bundler = Bundler()
    bundler.note("explain", 1.0)
    groups = [*singles("explain", 30, MODELS[0]), *singles("explain", 7, MODELS[1])]
    bundles = list(bundler.bundled(groups, 2))
    assert [key for bundle in bundles for key in bundle] == [group[0] for group in groups]
    assert all(len({key.model for key in bundle}) == 1 for bundle in bundles)
    assert [len(bundle) for bundle in bundles] == [9, 9, 9, 3, 7]


def test_each_worker_gets_several():
    bundler = Bundler()
    bundler.note("tile", 0.1)
    assert sizes(bundler, singles("tile", 16)) == [4] * 4
    assert sizes(bundler, singles("tile", 3)) == [1] * 3
    assert max(sizes(bundler, singles("tile", 1000), workers=1)) == MOST


def test_what_belongs_together_or_to_the_whole_study_is_left_and_comes_last():
    bundler = Bundler()
    bundler.note("tile", 0.1)
    together = [ArtifactKey("evaluate", MODELS[0], metric=name) for name in "ab"]
    whole = [ArtifactKey("compare")]
    groups = [whole, together, *singles("tile", 8)]
    assert list(bundler.bundled(groups, 1))[-2:] == [whole, together]
