"""Which Prefect server shows a run, and whether it answers; Prefect is imported only where needed.

A server is named by ``PREFECT_API_URL`` or a profile of Prefect. Where none is named, it is the one of
``veritile ui`` of the same home, if that is up.
"""

import http.client
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from flows.showing.served import served_url

NAME = "PREFECT_API_URL"
PATIENCE_S = 10.0
"""A busy server answers later than this only if it hangs."""


def server_of(home: Path) -> str | None:
    """Return the address of the API that shows runs of ``home``; None where there is none."""
    return named_url(home) or served_url(home)


def named_url(home: Path) -> str | None:
    """Return the address that the user has named to Prefect."""
    named = os.environ.get(NAME)
    if "prefect" not in sys.modules and (named or not any(map(_may_name_one, _settings_files(home)))):
        return named or None
    from prefect.settings import PREFECT_API_URL  # heavy: needed only where a file may name one

    url: str | None = PREFECT_API_URL.value()
    return url


def _settings_files(home: Path) -> Iterator[Path]:
    own = Path(os.environ.get("PREFECT_HOME", str(home / "prefect")))
    yield Path(os.environ.get("PREFECT_PROFILES_PATH", str(own / "profiles.toml")))
    yield from map(Path, (".env", "prefect.toml", "pyproject.toml"))


def _may_name_one(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "PREFECT_" in text or "[api]" in text or "tool.prefect" in text


def silence_of(url: str, patience: float = PATIENCE_S) -> str:
    """Return why the API at ``url`` does not answer; empty where it does.

    Any answer of a server that is not out of order counts: what it thinks of a request is told by Prefect.
    """
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=patience):  # noqa: S310  # the user's own
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else f"it answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        # Prefect may trust a certificate that is unknown here.
        return "" if isinstance(error.reason, ssl.SSLError) else _short(error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _short(error)


def _short(error: BaseException | str) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
