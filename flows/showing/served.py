"""The Prefect server of ``veritile ui``, found by what the home says of it."""

import json
from contextlib import suppress
from pathlib import Path

from tasks.artifacts.process_identity import ProcessIdentity, this_host

STATE = Path("services", "state.json")
"""Below the home: whose servers they are, and the address of each by its title."""


def served_url(home: Path) -> str | None:
    """Return the address of the API of the ``veritile ui`` of this home and host; None where it is down."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((home / STATE).read_text(encoding="utf-8"))
        owner = ProcessIdentity.parse(told["process"])
        if owner is not None and owner.host == this_host() and not owner.is_dead():
            return f"{told['addresses']['Prefect']}/api"
    return None
