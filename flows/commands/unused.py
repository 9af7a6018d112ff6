"""veritile unused: list artifacts that no recorded study uses, and delete them when asked."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.config import load_study
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts import unused as rules
from tasks.artifacts.backends.errors import StoreAddressError
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.store import Store
from tasks.study.errors import UsageError

_GB = 1e9


def unused(
    store: Store, days: float, keep: Iterable[ArtifactRecord], console: Console, *, delete: bool
) -> None:
    """Print what could go, by kind; delete it if ``delete``. What ``keep`` was made from stays."""
    items = rules.unused(store, days, keep)
    if delete:
        with console.status("deleting"):
            items = list(rules.clear(store, items))
    _print(items, console)
    gigabytes = sum(item.size for item in items) / _GB
    if delete:
        console.print(f"{len(items)} deleted, {gigabytes:.2f} GB")
    elif items:
        console.print(
            f"{len(items)} could go, {gigabytes:.2f} GB: no recorded study uses them and "
            f"no run has touched them for {days:g} days; --delete deletes them"
        )
    else:
        console.print(f"nothing: all is used by a recorded study, or was touched in the last {days:g} days")


def store_of(home: Path, address: str | None) -> Store:
    """Return the store that is cleared.

    Raises:
        UsageError: ``home`` holds none, or the address names none.
    """
    try:
        store = Store(home, address)
    except StoreAddressError as error:
        raise UsageError(f"--store: {error}") from None
    if address is None and not store.root.is_dir():
        raise UsageError(
            f"no store in {home}; --home names the folder that studies were run with, and --store the "
            "address that they name in resources.store"
        )
    return store


def planned(home: Path, config: Path) -> list[ArtifactRecord]:
    """Return what is stored of the plan of a study."""
    plan = Plan(open_study(load_study(config), home, None))
    records = (
        status.spec and plan.study.store.find(status.spec) for status in plan_status(plan, RerunOptions())
    )
    return [record for record in records if record]


def _print(items: Iterable[rules.Unused], console: Console) -> None:
    table = Table("kind", "count", "GB", box=None)
    kinds: dict[str, list[int]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(item.size)
    for kind, sizes in sorted(kinds.items(), key=lambda pair: -sum(pair[1])):
        table.add_row(kind, str(len(sizes)), f"{sum(sizes) / _GB:.2f}")
    if kinds:
        console.print(table)
