"""Open slides are lent to one thread at a time, stay open up to a number, and do not cross a fork."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tasks.slides.open_slides import OpenFiles


class Reader:
    def __init__(self, name):
        self.name, self.closed, self.busy = name, 0, False

    def close(self):
        self.closed += 1


@dataclass(frozen=True)
class Named:
    name: str

    def open(self):
        OPENED.append(Reader(self.name))
        return OPENED[-1]


OPENED = []


def use(files, *names):
    for name in names:
        with files.lend(Named(name)) as reader:
            assert reader.name == name
            assert not reader.closed


def test_what_is_open_is_lent_again_and_the_oldest_is_closed():
    OPENED.clear()
    files = OpenFiles(most=2)
    use(files, "a", "b", "a")
    assert [reader.name for reader in OPENED] == ["a", "b"]
    use(files, "c")
    assert [(reader.name, reader.closed) for reader in OPENED] == [("a", 0), ("b", 1), ("c", 0)]
    use(files, "b", "c", "a")
    assert [reader.name for reader in OPENED] == ["a", "b", "c", "b", "a"]
    assert len(files) == 2
    files.close()
    assert [reader.closed for reader in OPENED] == [1] * 5
    assert len(files) == 0


def test_two_borrowers_of_one_slide_have_a_reader_each():
    OPENED.clear()
    files = OpenFiles(most=4)
    with files.lend(Named("a")) as first, files.lend(Named("a")) as second:
        assert first is not second
    use(files, "a", "a")
    assert len(OPENED) == 2


def test_no_reader_serves_two_threads_at_once():
    OPENED.clear()
    files, wrong = OpenFiles(most=3), threading.Event()

    def borrow(number):
        with files.lend(Named("abc"[number % 3])) as reader:
            if reader.busy or reader.closed:
                wrong.set()
            reader.busy = True
            threading.Event().wait(0.0005)
            reader.busy = False

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(borrow, range(300)))
    assert not wrong.is_set()
    assert len(files) <= 3


def test_a_reader_comes_back_after_an_error():
    OPENED.clear()
    files = OpenFiles(most=2)
    try:
        with files.lend(Named("a")):
            raise ValueError
    except ValueError:
        pass
    use(files, "a")
    assert len(OPENED) == 1


FILES = OpenFiles(most=2)


def opened_in_child():
    before = len(OPENED)
    use(FILES, "a")
    return len(OPENED) - before


def test_a_forked_child_opens_its_own():
    OPENED.clear()
    use(FILES, "a")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(opened_in_child) == 1
    use(FILES, "a")
    assert len(OPENED) == 1
    assert not OPENED[0].closed
