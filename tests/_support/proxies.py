"""A way to a server that can be cut or held up, as if the server died or hung."""

import contextlib
import select
import socket
import threading
import time
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes on what comes to ``url`` until it is told to ``die`` or to ``hang``; ``revive`` undoes both."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener, self._open, self._held = None, set(), threading.Event()
        self._port = 0
        self.revive()
        self.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self._port}"))

    def revive(self) -> None:
        self._held.clear()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self._port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def hang(self) -> None:
        """Take connections and requests, and answer nothing."""
        self._held.set()

    def die(self) -> None:
        """Refuse connections, and end those that there are."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in tuple(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(taken,), daemon=True).start()

    def _pass_on(self, taken: socket.socket) -> None:
        with taken, socket.create_connection(self._target) as server, contextlib.suppress(OSError):
            other = {taken: server, server: taken}
            self._open |= {*other}
            try:
                while True:
                    ready, _, _ = select.select([*other], [], [], 0.2)
                    if self._held.is_set():
                        time.sleep(0.05)
                        continue
                    for each in ready:
                        data = each.recv(65536)
                        if not data:
                            return
                        other[each].sendall(data)
            finally:
                self._open -= {*other}
