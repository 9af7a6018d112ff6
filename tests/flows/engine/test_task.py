"""A stumble of the file system is tried again; a disk that takes no more is not."""

from types import SimpleNamespace

import pytest

from flows.engine.task import _again
from tasks.artifacts.storage_errors import StorageError


@pytest.mark.parametrize(
    ("raised", "again"),
    [
        (OSError(5, "Input/output error"), True),
        (StorageError("the disk is full"), False),
        (ValueError(), False),
    ],
)
def test_only_a_stumble_of_the_file_system_is_tried_again(raised, again):
    state = SimpleNamespace(result=lambda raise_on_failure: raised)
    assert _again(None, None, state) == again
