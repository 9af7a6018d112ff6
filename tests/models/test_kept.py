"""What was loaded is lent again in its thread, and never after a failure."""

import threading

import pytest

from tasks.models.kept import KeptInThread


def lent(kept, which, keep=True):
    with kept.lent(which, lambda: [which], keep=keep) as found:
        return found


def test_the_same_thing_is_lent_again_until_another_is_asked_for():
    kept = KeptInThread()
    first = lent(kept, "a")
    assert lent(kept, "a") is first
    assert lent(kept, "b") == ["b"]
    assert lent(kept, "a") is not first


def test_what_shall_not_be_kept_or_failed_is_loaded_anew():
    kept = KeptInThread()
    first = lent(kept, "a", keep=False)
    second = lent(kept, "a")
    assert second is not first
    with pytest.raises(KeyError), kept.lent("a", list, keep=True):
        raise KeyError
    assert lent(kept, "a") is not second


def test_another_thread_has_a_thing_of_its_own():
    kept, found = KeptInThread(), []
    first = lent(kept, "a")
    other = threading.Thread(target=lambda: found.append(lent(kept, "a")))
    other.start()
    other.join()
    assert found == [["a"]]
    assert found[0] is not first
