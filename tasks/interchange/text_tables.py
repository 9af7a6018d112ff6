"""Tables of others as text: no id is read as a number, so ``007`` stays ``007``."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from tasks.interchange.errors import InterchangeError
from tasks.slides.row import COLUMNS


def read_text_table(path: Path) -> pd.DataFrame:
    """Return a CSV or TSV file; every cell is text without outer spaces, "" where it is empty.

    Raises:
        InterchangeError: no such file, or no table in UTF-8.
    """
    separator = "\t" if path.suffix.lower() in (".tsv", ".txt") else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise InterchangeError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, pd.errors.ParserError) as error:
        raise InterchangeError(f"{path.name} is no table in UTF-8: {error}") from error
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    # A row that is too short ends in true NaN, whatever is asked for.
    return pd.DataFrame({name: table[name].fillna("").astype(str).str.strip() for name in table.columns})


def need_columns(table: pd.DataFrame, names: Iterable[str], where: str) -> None:
    """Raise InterchangeError if a table lacks a column."""
    absent = [name for name in names if name not in table.columns]
    if absent:
        there = ", ".join(map(str, table.columns))
        raise InterchangeError(f"{where} has no column {absent[0]!r}; there are: {there or 'none'}")


def with_roles(
    read: pd.DataFrame, columns: Mapping[str, str], roles: Sequence[str], where: str
) -> pd.DataFrame:
    """Return a table with one column per role that is there: the named one, or the one of the role's name.

    Raises:
        InterchangeError: an unknown role, a column that is absent, or no row.
    """
    unknown = sorted(set(columns).difference(roles))
    if unknown:
        raise InterchangeError(f"column role {unknown[0]!r} is unknown; there are: {', '.join(roles)}")
    need_columns(read, columns.values(), where)
    if read.empty:
        raise InterchangeError(f"{where} has no row")
    named = {role: columns.get(role, role) for role in roles}
    return pd.DataFrame({role: read[name] for role, name in named.items() if name in read.columns})


def same_within(table: pd.DataFrame, by: str, column: str, where: str) -> dict[str, str]:
    """Return {value of ``by``: its value of ``column``}, in the sequence of the table.

    Raises:
        InterchangeError: one value of ``by`` has several.
    """
    values: dict[str, str] = {}
    for key, value in zip(table[by], table[column], strict=True):
        first = values.setdefault(key, value)
        if first != value:
            raise InterchangeError(
                f"{where}: {by} {key!r} has the {column} {first!r} in one row and {value!r} in another"
            )
    return values


def write_manifest(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write a manifest; columns without a cell are left out, metadata come last."""
    used = {name for row in rows for name, cell in row.items() if cell}
    names = [name for name in COLUMNS if name in used]
    names += sorted(used.difference(names))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
