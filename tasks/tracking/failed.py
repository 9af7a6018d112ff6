"""What a study run says of its failure: a tag to search by, and a paragraph of its description."""

from collections.abc import Mapping

FAILED = "veritile.failed"
"""Tag that says why a study failed."""
_LISTED = 20


def failed_in_short(failures: Mapping[str, str]) -> str:
    """Return the first failure and how many others there are; ``failures`` are {artifact: reason}."""
    label, why = next(iter(failures.items()))
    others = len(failures) - 1
    return f"{label}: {why}" + (f" (and {others} more)" if others else "")


def why_failed(failures: Mapping[str, str]) -> str:
    """Return a paragraph on what failed; empty where nothing did."""
    if not failures:
        return ""
    listed = [f"- {label}: {why}" for label, why in failures.items()]
    more = len(listed) - _LISTED
    lines = [*listed[:_LISTED], *([f"- and {more} more"] if more > 0 else [])]
    return "\n".join(["**This study failed.**", "", *lines, "", ""])
