"""A process that only waits for the death of ``veritile ui``, and then ends all that it started.

A signal that cannot be caught leaves nobody to stop the servers. The kernel closes the pipe of a process that
died, however it died, and that is what this process waits for.
"""

import signal
import subprocess
import sys

from flows.services.marked import end_marked

GRACE_S = 5.0
_CLEAN = b"all ended\n"


def start_watcher(mark: str) -> "subprocess.Popen[bytes]":
    """Start the watcher over what bears ``mark``, without bearing it. It waits for the end of its input."""
    return subprocess.Popen(  # noqa: S603  # our own interpreter and fixed words
        [sys.executable, "-m", __name__, mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss(watcher: "subprocess.Popen[bytes]") -> None:
    """End the watcher after everything was ended in the usual way."""
    watcher.communicate(_CLEAN)


def watch(mark: str) -> None:
    """Wait for the end of the pipe on standard input, and end what bears ``mark``."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A signal to all processes of a user or a group must not end this one before its work is done.
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() != _CLEAN:
        end_marked(mark, GRACE_S)


if __name__ == "__main__":
    watch(sys.argv[1])
