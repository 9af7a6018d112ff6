import pytest

from tasks.artifacts.whole_file import whole_file


def write(path, text, error=None):
    with whole_file(path) as draft:
        draft.write_text(text)
        if error is not None:
            raise error


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(OSError, match="full"):
        write(path, "ha", OSError("the disk is full"))
    assert list(tmp_path.iterdir()) == []
    for text in ("one", "two"):
        write(path, text)
        assert path.read_text() == text
    with pytest.raises(KeyboardInterrupt):
        write(path, "th", KeyboardInterrupt())
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
