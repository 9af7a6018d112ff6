"""Arrays are found by row and by name, below one folder, and nothing is unpickled."""

import numpy as np
import pytest
from PIL import Image

from tasks.scoring.array_files import ArrayFiles
from tasks.scoring.errors import ScoringError

STACK = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


class Trap:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "index"
    (place / "sub").mkdir(parents=True)
    np.save(place / "sub" / "stack.npy", STACK)
    np.save(tmp_path / "outside.npy", STACK)
    np.savez(place / "one.npz", only=STACK)
    np.savez_compressed(place / "two.npz", a=STACK, b=2 * STACK)
    Image.fromarray((STACK[0] > 3).astype(np.uint8) * 255).convert("1").save(place / "mask.png")
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3)).save(place / "image.png")
    return place


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("sub/stack.npy", STACK),
        ("sub/stack.npy:1", STACK[1]),
        ("one.npz", STACK),
        ("one.npz:only", STACK),
        ("one.npz:1", STACK[1]),
        ("two.npz:b", 2 * STACK),
        ("two.npz:b:0", 2 * STACK[0]),
        ("mask.png", np.where(STACK[0] > 3, 255, 0)),
        ("image.png", np.arange(24).reshape(2, 4, 3)),
    ],
)
def test_a_reference_names_an_array(folder, reference, expected):
    assert np.array_equal(ArrayFiles(folder).read(reference), expected)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("../outside.npy", "'../outside.npy' lies outside the folder of the index"),
        ("link.npy", "'link.npy' lies outside the folder of the index"),
        ("none.npy", "there is no file 'none.npy' in the folder of the index"),
        ("sub", "there is no file 'sub'"),
        ("notes.txt", r"'notes.txt' is no array file; needed .npy, .npz or .png"),
        ("two.npz", "'two.npz' holds a, b; name one as two.npz:a"),
        ("two.npz:c", "'two.npz' holds a, b; name one as two.npz:a"),
        ("sub/stack.npy:2", "there is no '2'; its rows are 0 to 1"),
        ("sub/stack.npy:-1", "there is no '-1'"),
        ("sub/stack.npy:0:0", "there is no '0:0'"),
        ("broken.npy", "'broken.npy' cannot be read: "),
        ("empty.npy", "'empty.npy' cannot be read: "),
        ("broken.npz", "'broken.npz' cannot be read: "),
        ("broken.png", "'broken.png' cannot be read: "),
        ("clear.png", "'clear.png' cannot be read: its mode is RGBA; needed RGB, or L or 1 for a mask"),
    ],
)
def test_a_reference_that_names_none(folder, reference, said):
    (folder / "link.npy").symlink_to(folder.parent / "outside.npy")
    (folder / "notes.txt").write_text("no array")
    for name in ("broken.npy", "broken.npz", "broken.png"):
        (folder / name).write_bytes(b"no array")
    (folder / "empty.npy").touch()
    Image.new("RGBA", (2, 2)).save(folder / "clear.png")
    with pytest.raises(ScoringError, match=said):
        ArrayFiles(folder).read(reference)


def test_an_absolute_path_is_refused_too(folder):
    with pytest.raises(ScoringError, match="lies outside the folder of the index"):
        ArrayFiles(folder).read(str(folder.parent / "outside.npy"))


@pytest.mark.parametrize("name", ["trap.npy", "trap.npz"])
def test_what_would_have_to_be_unpickled_is_refused(folder, name):
    sprung, trap = folder / "sprung", np.array([0, None], dtype=object)
    trap[0] = Trap(sprung)
    if name.endswith("npy"):
        np.save(folder / name, trap, allow_pickle=True)
    else:
        np.savez(folder / name, trap=trap)
    with pytest.raises(ScoringError, match=r"cannot be read: .*(allow_pickle|Python objects)"):
        ArrayFiles(folder).read(name)
    assert not sprung.exists()
    np.load(folder / name, allow_pickle=True)["trap" if name.endswith("npz") else slice(None)]
    assert sprung.exists(), "the trap is one"
