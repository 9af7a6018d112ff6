"""The Prefect server of ``veritile ui``, found by what the home says of it."""

from pathlib import Path

from flows.services.claim import read_claim
from tasks.artifacts.process_identity import ProcessIdentity, this_host


def served_url(home: Path) -> str | None:
    """Return the address of the API of the ``veritile ui`` of this home and host; None where it is down."""
    claim = read_claim(home)
    owner = None if claim is None else ProcessIdentity.parse(claim.process)
    if claim is None or owner is None or owner.host != this_host() or owner.is_dead():
        return None
    address = claim.addresses.get("Prefect")
    return None if address is None else f"{address}/api"
