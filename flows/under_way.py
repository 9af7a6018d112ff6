"""What a run is doing and has made, for the sentence of a run that is interrupted."""

from flows.engine.events import BuildEnded, BuildStarted, Event, RunStarted, Stored

_NAMED = 2


class UnderWay:
    """Listens to a run and says what it is doing."""

    def __init__(self) -> None:
        self._begun = False
        self._made = 0
        self._labels: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        """Note what happened."""
        match event:
            case RunStarted():
                self._begun = True
            case BuildStarted(_, label, _):
                self._labels[label] = None
            case Stored(made=True):
                self._made += 1
            case BuildEnded(_, label, _):
                self._labels.pop(label, None)
            case _:
                pass

    def sentence(self) -> str:
        """Return what is said where it ends now."""
        if not self._begun:
            return "interrupted; run the same command again"
        labels = tuple(self._labels)
        more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
        during = f" during {', '.join(labels[:_NAMED])}{more}" if labels else ""
        made = "1 artifact of this run is" if self._made == 1 else f"{self._made} artifacts of this run are"
        return f"interrupted{during}; {made} stored; run the same command again to resume"
