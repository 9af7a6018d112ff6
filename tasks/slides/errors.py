"""The errors of slides and manifests; each message is one sentence for the person who fixes it."""

from tasks.artifacts.sentence import SentenceError

_ON_ONE_LINE = 3
"""So many problems are told on one line."""


class SlideError(SentenceError):
    """A slide, or a file that belongs to it, cannot be used; its part fails and the study goes on."""


class ManifestError(SentenceError):
    """A manifest has problems; all are found before any is reported.

    Attributes:
        problems: one sentence for each, with the row number as a spreadsheet shows it (the header is row 1).
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        # Many are read best one a line.
        listed = "; ".join(problems) if len(problems) <= _ON_ONE_LINE else "\n  ".join(("", *problems))
        super().__init__(f"the manifest has {count}: {listed}")
