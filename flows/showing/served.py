"""The servers of ``veritile ui``, found by what the home says of them."""

from pathlib import Path

from flows.services.claim import read_claim
from tasks.artifacts.process_identity import ProcessIdentity, this_host


def served_url(home: Path) -> str | None:
    """Return the address of the API of the ``veritile ui`` of this home and host; None where it is down."""
    address = served_address(home, "Prefect")
    return None if address is None else f"{address}/api"


def served_address(home: Path, title: str) -> str | None:
    """Return the address of a server of the ``veritile ui`` of this home and host; None where it is down.

    Args:
        home: the folder of all state.
        title: Prefect or MLflow.
    """
    claim = read_claim(home)
    owner = None if claim is None else ProcessIdentity.parse(claim.process)
    if claim is None or owner is None or owner.host != this_host() or owner.is_dead():
        return None
    return claim.addresses.get(title)
