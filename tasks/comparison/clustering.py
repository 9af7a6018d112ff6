"""What intervals are clustered by, said once, and of which scores where they differ."""

from collections import Counter
from collections.abc import Iterable

from tasks.comparison.rows import Row


def clustering_notes(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the sentences of all intervals, the commonest first; each other one names its metrics."""
    noted = [row for row in rows if row.note]
    notes = [note for note, _ in Counter(row.note for row in noted).most_common()]
    metrics = {note: sorted({row.metric for row in noted if row.note == note}) for note in notes}
    return tuple(note if note == notes[0] else f"{note}: {', '.join(metrics[note])}" for note in notes)
