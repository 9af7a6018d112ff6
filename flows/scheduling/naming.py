"""The name of a deployment: the study, a readable form of the home, and a digest that tells homes apart."""

import hashlib
import re
from pathlib import Path

FLOW = "study-file"
"""The name of the flow that deployments run."""

_DIGITS = 6


def deployment_name(study: str, home: Path) -> str:
    """Return such as ``tiny-lab-3f9a2c``; the home is a resolved path, and two homes give two names."""
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:_DIGITS]
    return "-".join(word for word in (study, _readable(home), digest) if word)


def _readable(home: Path) -> str:
    """Return the folder that tells most about a home: its own, or where that is hidden, the one around it."""
    visible = next((part for part in reversed(home.parts) if not part.startswith((".", "/"))), "")
    return re.sub(r"[^A-Za-z0-9]+", "-", visible).strip("-")
