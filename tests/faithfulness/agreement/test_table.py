"""The table of agreements speaks of every metric there is."""

import re
from pathlib import Path

import pytest

from tasks.plugins import available

PAGE = Path(__file__).parents[3] / "docs" / "agreement.md"
VERDICTS = ("agrees", "differs by definition", "Quantus is wrong", "no counterpart")


@pytest.mark.parametrize("name", available("tasks.faithfulness"))
def test_every_metric_has_a_row_with_a_verdict(name):
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    own = [row.split("|") for row in rows if re.search(rf"`{name}[.`]", row.split("|")[1])]
    assert own
    assert all(any(verdict in cells[3] for verdict in VERDICTS) for cells in own)
