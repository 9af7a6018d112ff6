"""Prefect's server for this machine alone: requests that name another host or come from another site get 403.

A page on the internet may send a browser to an address whose name then turns into 127.0.0.1. Such a request
names the strange host, and Prefect does not look at it. MLflow's own server does.

``python -m flows.guarded_server --port N`` serves it on loopback.
"""

import argparse
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""What a browser or client on this machine calls it."""

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class OwnHostOnly:
    """Answers 403 to what is not addressed to this machine by name, or comes from a page of another site.

    Args:
        app: what answers everything else.
        names: hosts by which this machine may be called beside its own names, as behind a proxy.
    """

    def __init__(self, app: App, names: Iterable[str] = ()) -> None:
        self._app, self._names = app, NAMES | frozenset(names)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request or open one socket."""
        if scope["type"] not in ("http", "websocket") or self._is_own(scope["headers"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # the handshake is then answered with 403
        else:
            said = b"this server answers this machine alone\n"
            await send(
                {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]}
            )
            await send({"type": "http.response.body", "body": said})

    def _is_own(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        return (
            len(hosts) == 1
            and _name(f"//{hosts[0]}") in self._names
            and all(_name(origin) in self._names for origin in origins)
        )


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def create_app() -> OwnHostOnly:
    """Return Prefect's API and UI behind the guard."""
    from prefect.server.api.server import (
        create_app as prefect_app,
    )  # heavy, and only for the process that serves

    return OwnHostOnly(prefect_app(final=True))


def main() -> None:
    """Serve Prefect on loopback until the process is ended."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    # Prefect allows pages of every site to read its answers unless it is told which.
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = f"http://{HOST}:{port},http://localhost:{port}"
    os.environ.setdefault("PREFECT_SERVER_API_HOST", HOST)
    os.environ.setdefault("PREFECT_SERVER_API_PORT", str(port))

    import uvicorn

    uvicorn.run(create_app, factory=True, host=HOST, port=port, timeout_keep_alive=5, log_level="warning")


if __name__ == "__main__":
    main()
