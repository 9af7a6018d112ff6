"""Versions of libraries against what Veritile needs, and against the set it is tested with."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from flows.doctor.finding import Finding

_OURS = "veritile"
_OLDEST, _LATEST = (3, 11), (3, 13)
_COST = {
    "fastapi": "Prefect's server does not start or refuses its own calls",
    "sqlalchemy": "schedules never fire, without a word",
    "prefect": "runs and schedules may not work",
    "mlflow": "studies may not be recorded, and the database may be migrated for good",
    "torch": "trained weights and maps differ in their last bits",
}
"""What another version costs, where it is known."""
_SHOWN = ("torch", "prefect", "mlflow", "fastapi", "sqlalchemy")
_NAMED = 5
_TESTED = Path(__file__).parents[2] / "constraints.txt"
"""The tested set; only a checkout has it."""


def version_findings() -> Iterator[Finding]:
    """Yield a fault for each library that is not as Veritile needs it, and how far the rest is as tested."""
    yield _python()
    needed = _needed()
    if not needed:
        yield Finding(
            "versions", "warning", "veritile is not installed as a package: nothing to compare with"
        )
        return
    wrong = list(unfit_versions(needed))
    yield from (Finding("versions", "fault", sentence) for sentence in wrong)
    if not wrong:
        told = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
        yield Finding("versions", "ok", f"all {len(needed)} libraries are as needed: {told}")
    if _TESTED.is_file():
        yield _against_tested(_TESTED.read_text(encoding="utf-8"))


def unfit_versions(needed: Mapping[str, Requirement] | None = None) -> Iterator[str]:
    """Yield a sentence for each library that is absent or of another version than Veritile needs."""
    for name, requirement in (_needed() if needed is None else needed).items():
        found = _version(name)
        if found is None:
            yield f"{name} is not installed; {_install(requirement)}"
        elif not requirement.specifier.contains(found, prereleases=True):
            cost = f": {_COST[name]}" if name in _COST else ""
            yield f"{name} is {found}, needed is {requirement.specifier}{cost}; {_install(requirement)}"


def _needed() -> dict[str, Requirement]:
    try:
        stated = requires(_OURS) or []
    except PackageNotFoundError:
        return {}
    parsed = map(Requirement, stated)
    return {
        str(canonicalize_name(each.name)): each
        for each in parsed
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def _against_tested(text: str) -> Finding:
    pins = dict(line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    others = [
        f"{name} {found} (tested: {pin})"
        for name, pin in pins.items()
        if (found := _version(name)) is not None and not _same(found, pin)
    ]
    if not others:
        return Finding("tested set", "ok", "every library is of the version in constraints.txt")
    named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    return Finding(
        "tested set",
        "warning",
        f"{named}; install with --constraint constraints.txt for the versions that are tested together",
    )


def _same(found: str, pin: str) -> bool:
    # A build for CPUs says +cpu and is the same release.
    return Version(found).public == Version(pin).public


def _python() -> Finding:
    own = platform.python_version()
    if _OLDEST <= tuple(map(int, platform.python_version_tuple()[:2])) <= _LATEST:
        return Finding("python", "ok", own)
    return Finding("python", "fault", f"Python {own}; Veritile needs 3.11 to 3.13")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _install(requirement: Requirement) -> str:
    return f"pip install --constraint constraints.txt '{requirement.name}{requirement.specifier}'"
