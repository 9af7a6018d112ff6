"""A cache of limited size: what is in use stays, a fetch that was killed is none, and many fetch once."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts.backends.file_cache import CacheEntry, CacheFullError, FileCache
from tasks.artifacts.backends.holds import holding


def entry(name, size=10, version=""):
    return CacheEntry(name, (f"{name}/data",), size, version)


def filler(size=10, calls=None):
    def fill(draft):
        if calls is not None:
            calls.append(draft)
        for name in names:
            (draft / name).parent.mkdir(parents=True)
            (draft / name).write_bytes(b"x" * size)

    names: list[str] = []
    fill.names = names
    return fill


def fetch(cache, name, size=10, *, version="", calls=None):
    wanted = entry(name, size, version)
    fill = filler(size, calls)
    fill.names.extend(wanted.files)
    return cache.fetch(wanted, fill)


def there(cache):
    return sorted(path.parent.name for path in cache.files.rglob("data"))


def test_what_was_used_last_stays(tmp_path):
    cache = FileCache(tmp_path, 25)
    for number, name in enumerate("ab"):
        fetch(cache, name)()
        os.utime(cache._mark(entry(name).key), (number, number))
    fetch(cache, "a")()
    fetch(cache, "c")()
    assert there(cache) == ["a", "c"]
    assert cache.size() == 20


def test_what_is_held_is_never_evicted_and_the_limit_is_exceeded_with_a_word(tmp_path, caplog):
    cache = FileCache(tmp_path, 25)
    releases = [fetch(cache, name) for name in "abc"]
    assert there(cache) == ["a", "b", "c"]
    assert "c is needed beside what is in use" in caplog.text
    for release in releases:
        release()
    fetch(cache, "d")()
    assert there(cache) == ["c", "d"]


def test_one_that_is_larger_than_the_cache_is_fetched_and_said(tmp_path, caplog):
    cache = FileCache(tmp_path, 5)
    with caplog.at_level(logging.WARNING):
        fetch(cache, "large", 20)()
    assert there(cache) == ["large"]
    assert "large" in caplog.text


def test_the_end_of_a_holding_block_lets_go(tmp_path):
    cache = FileCache(tmp_path, 15)
    with holding():
        fetch(cache, "a")
        fetch(cache, "b")
        assert there(cache) == ["a", "b"]
    fetch(cache, "c")()
    assert there(cache) == ["c"]


def test_what_another_process_holds_stays_and_goes_when_that_is_dead(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from tests.artifacts.backends.test_file_cache import FileCache, fetch\n"
        "fetch(FileCache(Path(sys.argv[1]), 15), 'a'); print('held', flush=True); sys.stdin.read()\n"
    )
    root = str(Path(__file__).parents[3])
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout.readline() == b"held\n"
    cache = FileCache(tmp_path, 15)
    fetch(cache, "b")()
    assert there(cache) == ["a", "b"]
    other.kill()
    other.wait()
    fetch(cache, "c")()
    assert there(cache) == ["c"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.artifacts.backends.file_cache import CacheEntry, FileCache
def fill(draft):
    (draft / "a").mkdir()
    (draft / "a" / "data").write_bytes(b"xxxxx")
    os.kill(os.getpid(), signal.SIGKILL)
FileCache(Path(sys.argv[1]), 100).fetch(CacheEntry("a", ("a/data",), 10), fill)
"""


def test_a_fetch_that_was_killed_is_never_taken_for_done(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    cache, calls = FileCache(tmp_path, 100), []
    assert there(cache) == []
    fetch(cache, "b")()
    assert not list((tmp_path / "drafts").iterdir()), "what the killed one left is gone"
    fetch(cache, "a", calls=calls)()
    assert len(calls) == 1


SLOW = """
import sys, time
from pathlib import Path
from tasks.artifacts.backends.file_cache import CacheEntry, FileCache
def fill(draft):
    with open(sys.argv[2], "a") as log:
        log.write("fetched\\n")
    time.sleep(0.5)
    (draft / "a").mkdir()
    (draft / "a" / "data").write_bytes(b"x" * 10)
FileCache(Path(sys.argv[1]), 100).fetch(CacheEntry("a", ("a/data",), 10), fill)
"""


def test_several_processes_fetch_once(tmp_path):
    log = tmp_path / "log"
    words = [sys.executable, "-c", SLOW, str(tmp_path / "cache"), str(log)]
    for process in [subprocess.Popen(words) for _ in range(3)]:
        assert process.wait(120) == 0
    assert log.read_text() == "fetched\n"


def test_another_version_is_fetched_again(tmp_path):
    cache, calls = FileCache(tmp_path, 100), []
    for version in ("1", "1", "2"):
        fetch(cache, "a", version=version, calls=calls)()
    assert len(calls) == 2


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path):
    cache, calls = FileCache(tmp_path, 1e18), []
    with pytest.raises(CacheFullError, match="put the home on a larger disk"):
        fetch(cache, "huge", 10**15, calls=calls)
    assert calls == []
