"""How many files this process may hold open. A cohort needs more than the usual 1,024."""

import logging
import sys

_log = logging.getLogger("veritile.study")

MOST = 1 << 20
"""Where the machine sets no limit, or a larger one: tables of open files grow with it."""

FEW = 2048
"""A limit below this is said."""


def raise_open_files() -> int | None:
    """Raise the limit of open files as far as this machine lets a user, and return it.

    None where the machine has no such limit. A process that is started later has the same limit.
    """
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS refuses more than 10,240 although it states no limit.
    for wanted in (MOST if hard == resource.RLIM_INFINITY else min(hard, MOST), 10_240):
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            _log.debug("the limit of open files cannot be raised to %d: %s", wanted, error)
            continue
        soft = wanted
        break
    if soft != resource.RLIM_INFINITY and soft < FEW:
        _log.warning(
            "this process may hold %d files open and cannot raise that; many slides at once may need more, "
            "so let an administrator raise the hard limit (ulimit -Hn)",
            soft,
        )
    return None if soft == resource.RLIM_INFINITY else soft
