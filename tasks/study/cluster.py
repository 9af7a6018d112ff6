"""Which cluster builds run on, where ``resources.runner`` is ``dask``. Nothing here changes a number."""

import ipaddress
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ClusterTls(BaseModel):
    """Files of the certificates with which a scheduler is reached, relative to the study file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: str
    """The certificate that signed all others, PEM."""
    cert: str
    """The certificate of this user, PEM."""
    key: str
    """Its key, PEM."""


class Cluster(BaseModel):
    """A cluster of this machine (``workers``), or an existing one (``address`` or ``scheduler_file``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int | None = Field(None, ge=1)
    """Processes of a cluster that is started on this machine, on the loopback device, and ends with the run.
    On a CPU choose workers times ``cpu_threads`` no larger than the number of cores."""
    memory_gb: float | None = Field(None, gt=0)
    """A worker of this machine that needs more is ended, and its artifact is tried once more. Left out:
    no limit but that of the machine."""
    address: str | None = Field(None, pattern=r"^(tcp|tls)://[^/\s]+:\d+$")
    """An existing scheduler, such as ``tls://node1:8786``."""
    scheduler_file: str | None = None
    """The file that an existing scheduler wrote its address into, relative to the study file."""
    tls: ClusterTls | None = None
    """Needed for an address that begins with ``tls://``."""
    private_network: bool = False
    """Says that nobody else reaches the network of an address that begins with ``tcp://``: whoever reaches a
    scheduler can run code on all its workers."""
    patience_minutes: float = Field(5, gt=0)
    """A run without any worker for this long ends. What is stored is kept."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in ("workers", "address", "scheduler_file") if getattr(self, name) is not None]
        if len(named) != 1:
            got = " and ".join(named) or "none of them"
            raise ValueError(
                f"resources.cluster needs one of workers (a cluster of this machine), address or "
                f"scheduler_file (an existing one), got {got}"
            )
        if self.memory_gb is not None and self.workers is None:
            raise ValueError(
                "resources.cluster.memory_gb is for a cluster of this machine; an existing one has its own"
            )
        if self.address is not None:
            refuse_open_address(self, self.address)
        return self

    @property
    def is_local(self) -> bool:
        """Whether the cluster is started on this machine by the run itself."""
        return self.workers is not None


def refuse_open_address(cluster: Cluster, address: str) -> None:
    """Refuse an address over which others could run code, with a ValueError of one sentence."""
    if address.startswith("tls://"):
        if cluster.tls is None:
            raise ValueError(
                f"resources.cluster.address {address} needs resources.cluster.tls: ca, cert, key"
            )
        return
    if not cluster.private_network and not _is_loopback(urlsplit(address).hostname or ""):
        raise ValueError(
            f"resources.cluster.address {address} is not encrypted, and whoever reaches it can run code on "
            "all workers; use tls:// with resources.cluster.tls, or say private_network: true"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
