"""ReadyQueue: which artifacts have all their inputs settled, without waves."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from flows.engine.plan import Plan
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.study.stage import Planned


class ReadyQueue:
    """Counts for every artifact the inputs that are not settled yet."""

    def __init__(self, reached: Sequence[ArtifactKey], plan: Plan) -> None:
        self._plan = plan
        keys = set(reached)
        self._waits_for = {key: len(set(plan[key].input_keys) & keys) for key in reached}
        self._order = {key: number for number, key in enumerate(reached)}
        self._open = deque(key for key in reached if not self._waits_for[key])
        self._unsettled: dict[tuple[str, ModelKey], int] = {}
        for key in reached:
            name = self._group(key)
            if name is not None:
                self._unsettled[name] = self._unsettled.get(name, 0) + 1

    def next_open(self) -> Planned | None:
        """Return an artifact that is to be decided about now; None where there is none."""
        return self._plan[self._open.popleft()] if self._open else None

    def settle(self, key: ArtifactKey) -> None:
        """Note that ``key`` was stored, failed or is left; those that waited for it alone are open now."""
        name = self._group(key)
        if name is not None:
            self._unsettled[name] -= 1
        for user in dict.fromkeys(self._plan.users.get(key, ())):
            if user in self._waits_for:
                self._waits_for[user] -= 1
                if not self._waits_for[user]:
                    self._open.append(user)

    def groups(self, ready: Mapping[ArtifactKey, object]) -> Iterator[list[ArtifactKey]]:
        """Yield what of ``ready`` is built in one go, in the order of the plan.

        Artifacts that belong together wait until each of them is settled or ready.
        """
        together: dict[tuple[str, ModelKey], list[ArtifactKey]] = {}
        for key in sorted(ready, key=self._order.__getitem__):
            name = self._group(key)
            if name is None:
                yield [key]
            else:
                together.setdefault(name, []).append(key)
        for name, keys in together.items():
            if len(keys) == self._unsettled[name]:
                yield keys

    def _group(self, key: ArtifactKey) -> tuple[str, ModelKey] | None:
        together = self._plan[key].together
        return None if together is None else (key.stage, together)
