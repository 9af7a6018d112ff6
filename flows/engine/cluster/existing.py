"""An existing scheduler: its address, and the certificates with which it is reached."""

import json
from pathlib import Path

from distributed import Security

from tasks.study.cluster import Cluster, refuse_open_address
from tasks.study.errors import UsageError


def existing(cluster: Cluster) -> tuple[str, Security]:
    """Return the address of the scheduler and how it is reached.

    Raises:
        UsageError: a file cannot be read, or the address may be reached by others.
    """
    address = cluster.address or _written(Path(cluster.scheduler_file or ""))
    try:
        refuse_open_address(cluster, address)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if cluster.tls is None:
        return address, Security()
    tls = cluster.tls
    for name, path in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if not Path(path).is_file():
            raise UsageError(f"resources.cluster.tls.{name} names no file: {path}")
    return address, Security(
        tls_ca_file=tls.ca, tls_client_cert=tls.cert, tls_client_key=tls.key, require_encryption=True
    )


def _written(path: Path) -> str:
    try:
        address = json.loads(path.read_text(encoding="utf-8"))["address"]
    except OSError as error:
        raise UsageError(
            f"resources.cluster.scheduler_file {path} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"resources.cluster.scheduler_file {path} holds no address of a scheduler") from None
    return str(address)
