"""A process that was started to work for another one ends with it, however that one ends."""

import os
import signal
import threading
import time
from pathlib import Path

_LOOK_S = 0.5


def end_with_parent(owner: int | None = None) -> None:
    """End this process soon after the one that started it, even if that one was killed.

    Ctrl-C is left to the parent: a terminal sends it to both, and one sentence is enough.

    Args:
        owner: the number of a further process without which this one has nothing to do.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        # Linux can kill a child with its parent, but means the thread that started it, which may end before.
        while os.getppid() == parent and (owner is None or Path(f"/proc/{owner}").exists()):
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
