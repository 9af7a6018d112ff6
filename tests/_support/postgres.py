"""A Postgres server of a test's own, from the binaries of the system."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests._support.ports import free_port

_DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Return the folder of ``initdb``, where Postgres is installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(_DEBIAN.glob("*/bin/initdb"), reverse=True)), None)


@contextmanager
def postgres(*databases: str) -> Iterator[int]:
    """Run a server on loopback with these empty databases and the user ``veritile``; yield its port."""
    folder, port = binaries(), free_port()
    if folder is None:
        pytest.skip("Postgres is not installed (Debian: apt-get install postgresql)")
    # Not below the folder of the test, which the user that Postgres runs as may not enter.
    place = Path(tempfile.mkdtemp(prefix="veritile-postgres-"))
    data = place / "data"
    settings = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -p {port}"
    try:
        if os.geteuid() == 0:
            shutil.chown(place, "postgres")
        _run(folder / "initdb", "-D", data, "-A", "trust", "-U", "veritile")
        _run(folder / "pg_ctl", "-D", data, "-l", place / "log", "-w", "-o", settings, "start")
        try:
            for name in databases:
                _run(folder / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "veritile", name)
            yield port
        finally:
            _run(folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place)


def _run(*words: object) -> None:
    # Postgres refuses to run as root.
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*own, *map(str, words)], check=True, stdout=subprocess.DEVNULL, cwd="/")
