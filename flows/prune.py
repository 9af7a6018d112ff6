"""The command that lists, and deletes when asked, what of the store nobody wants any more."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.session import UsageError
from tasks.artifacts import unused as rules
from tasks.artifacts.store import Store

_GB = 1e9


def unused(home: Path, days: float, console: Console, *, delete: bool) -> None:
    """Print what could go, by kind; delete it if ``delete``.

    Raises:
        UsageError: ``home`` holds no store.
    """
    store = Store(home)
    if not store.root.is_dir():
        raise UsageError(f"no store in {home}; --home names the folder that studies were run with")
    items = rules.unused(store, days)
    if delete:
        with console.status("deleting"):
            items = list(rules.clear(store, items))
    _print(items, console)
    gigabytes = sum(item.size for item in items) / _GB
    if delete:
        console.print(f"{len(items)} deleted, {gigabytes:.2f} GB")
    elif items:
        console.print(
            f"{len(items)} could go, {gigabytes:.2f} GB: no study's last recording was made from them and "
            f"no run has used them for {days:g} days; --delete deletes them"
        )
    else:
        console.print(
            f"nothing: all is of some study's last recording, or was used in the last {days:g} days"
        )


def _print(items: Iterable[rules.Unused], console: Console) -> None:
    table = Table("kind", "count", "GB", box=None)
    kinds: dict[str, list[int]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(item.size)
    for kind, sizes in sorted(kinds.items(), key=lambda pair: -sum(pair[1])):
        table.add_row(kind, str(len(sizes)), f"{sum(sizes) / _GB:.2f}")
    if kinds:
        console.print(table)
