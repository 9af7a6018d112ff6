from tasks.artifacts.changes import Earlier, changes
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.artifacts.store import Store


def tiles(fingerprint, digest):
    return Reference(kind="TileSet", fingerprint=fingerprint * 12, digest=digest * 12)


def part(**changes_):
    base = {
        "stage": "train",
        "label": "train/standard/seed0",
        "kind": "Checkpoint",
        "recipe": {"training": {"epochs": 5, "batch": 32}, "classes": ("a", "b")},
        "inputs": {"tiles/s1": tiles("aa", "11")},
        "code": {"tasks.training.train": "00"},
        "seed": 0,
    }
    return ArtifactSpec(**{**base, **changes_})


def test_nothing_changed_says_nothing_even_through_json():
    assert changes(ArtifactSpec.model_validate_json(part().model_dump_json()), part()) == ()


def test_each_kind_of_change_is_named():
    new = part(
        recipe={"training": {"epochs": 6, "batch": 32, "amp": True}, "classes": ("a", "b")},
        inputs={"tiles/s1": tiles("aa", "22")},
        code={"tasks.training.train": "01"},
        seed=1,
    )
    assert changes(part(), new) == (
        "recipe training.amp: absent -> True",
        "recipe training.epochs: 5 -> 6",
        "input tiles/s1 changed",
        "code tasks.training.train changed",
        "seed: 0 -> 1",
    )


def test_an_input_made_again_with_equal_bytes_is_no_change():
    assert changes(part(), part(inputs={"tiles/s1": tiles("bb", "11")})) == ()


def test_the_nearest_artifact_of_the_same_place_explains(tmp_path):
    store = Store(tmp_path)
    far = part(recipe={"training": {"epochs": 9, "batch": 1}}, seed=0)
    for p in (far, part(), part(label="train/other/seed0", seed=4)):
        store.reuse_or_build(p, lambda out: (out / "x").write_text("x") and None)
    new = part(recipe={"training": {"epochs": 6, "batch": 32}, "classes": ("a", "b")})
    earlier = Earlier(store)
    assert earlier.nearest(new).spec == part()
    assert earlier.why(new) == ("recipe training.epochs: 5 -> 6",)
    assert earlier.why(part(label="train/new/seed0", seed=7)) == ("it was never made",)


def test_each_kind_is_read_once_however_many_parts_are_asked_about(tmp_path):
    store = Store(tmp_path)
    for seed in range(3):
        store.reuse_or_build(part(seed=seed), lambda out: (out / "x").write_text("x") and None)
    nearest = next(store.records("Checkpoint")).spec.seed
    reads, records = [], store.records
    store.records = lambda kind: reads.append(kind) or records(kind)
    earlier = Earlier(store)
    assert [earlier.why(part(seed=seed)) for seed in range(3, 9)] == [
        (f"seed: {nearest} -> {s}",) for s in range(3, 9)
    ]
    assert earlier.why(part(seed=1)) == ("its stored artifact is damaged",)
    assert reads == ["Checkpoint"]
