import pytest

from tasks.artifacts.spec import ArtifactSpec, Reference, canonical_json, digest_of


def part(**changes):
    base = {
        "stage": "tile",
        "label": "tile/a",
        "kind": "TileSet",
        "recipe": {"mpp": 0.5},
        "inputs": {"slide": "sha256:11"},
    }
    return ArtifactSpec(**{**base, **changes})


def test_canonical_json_has_one_form_and_refuses_nan():
    assert canonical_json({"b": [1, 2.5], "a": "µm"}) == '{"a":"µm","b":[1,2.5]}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"a": float("nan")})


def test_digest_is_the_first_24_digits_of_a_known_sha256():
    # printf '{}' | sha256sum
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc2"[:24]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Other"},
        {"recipe": {"mpp": 1.0}},
        {"inputs": {"slide": "sha256:22"}},
        {"seed": 1},
        {"code": {"m": "0"}},
    ],
)
def test_everything_that_may_change_a_number_changes_the_fingerprint(change):
    assert part(**change).fingerprint != part().fingerprint


def test_the_label_changes_no_fingerprint():
    assert part(label="tile/b").fingerprint == part().fingerprint


def test_only_the_bytes_of_an_input_count():
    first = Reference(kind="TileSet", fingerprint="aa", digest="dd")
    remade = Reference(kind="TileSet", fingerprint="bb", digest="dd")
    other = Reference(kind="TileSet", fingerprint="aa", digest="ee")
    assert part(inputs={"t": first}).fingerprint == part(inputs={"t": remade}).fingerprint
    assert part(inputs={"t": first}).fingerprint != part(inputs={"t": other}).fingerprint
