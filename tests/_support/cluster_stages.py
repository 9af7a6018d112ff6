"""Three stages of two lines, here and on the workers of a cluster, that behave as a file in the home says.

``behaviour.json`` maps a slide or an arm to what its build does, and for how many of its first attempts.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.engine.cluster.worker import Presence
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.study.stage import Planned, Stage, optional_on_failure, some

SLIDES = tuple("uvwxyz")
MODELS = tuple(ModelKey(arm, 0) for arm in "abc")


@dataclass(frozen=True)
class Spelled(Artifact):
    @property
    def text(self) -> str:
        return (self.folder / "text").read_text()


@dataclass(frozen=True)
class Spoken(Spelled):
    pass


@dataclass(frozen=True)
class Told(Spelled):
    pass


@dataclass(frozen=True)
class NoInputs:
    pass


@dataclass(frozen=True)
class SpokenInputs:
    letters: Mapping[str, Spelled] = some()


@dataclass(frozen=True)
class ToldInputs:
    words: Mapping[ModelKey, Spoken] = optional_on_failure()


class Spell(Stage[NoInputs]):
    name, group, makes = "spell", "spell", Spelled
    reads_slides = tolerates_failures = True

    def plan(self, study):
        for slide in SLIDES:
            yield Planned(ArtifactKey("spell", slide=slide), {"slide": slide}, ())

    def build(self, inputs, out, context):
        context.advance(1)
        behave(context.study.home, context.key.slide)
        (out / "text").write_text(context.key.slide)


class Say(Stage[SpokenInputs]):
    name, group, makes = "say", "say", Spoken
    asks_models = True

    def plan(self, study):
        letters = {slide: ArtifactKey("spell", slide=slide) for slide in SLIDES}
        for model in MODELS:
            yield Planned(ArtifactKey("say", model), {"arm": model.arm}, (), {"letters": letters})

    def build(self, inputs, out, context):
        behave(context.study.home, context.key.model.arm)
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        note(context.study.home, f"say {context.key.model.arm} {os.getpid()} {visible}")
        (out / "text").write_text(context.key.model.arm + "".join(v.text for v in inputs.letters.values()))


class Tell(Stage[ToldInputs]):
    name, group, makes = "tell", "tell", Told

    def plan(self, study):
        words = {model: ArtifactKey("say", model) for model in MODELS}
        yield Planned(ArtifactKey("tell"), {}, (), {"words": words})

    def build(self, inputs, out, context):
        note(context.study.home, f"tell {os.getpid()}")
        (out / "text").write_text(" ".join(word.text for word in inputs.words.values()))


STAGES = (Spell(), Say(), Tell())
BEFORE = {"spell": frozenset(), "say": frozenset({"spell"}), "tell": frozenset({"spell", "say"})}
IN = ("plan", "resolve", "request", "execute", "cluster.connection")
"""Modules of the engine that ask for a stage by name."""


def named(name):
    return next(stage for stage in STAGES if stage.name == name)


def behave(home: Path, who: str) -> None:
    """Do what the file says, as often as it says."""
    path = home / "behaviour.json"
    what, times = json.loads(path.read_text()).get(who, ("", 0)) if path.is_file() else ("", 0)
    done = home / f"done_{who}"
    before = len(done.read_text()) if done.is_file() else 0
    with done.open("a") as stream:
        stream.write("x")
    if before >= times:
        return
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "fail":
        raise ValueError(f"{who} cannot be read")
    elif what == "stumble":
        raise OSError(f"{who} is out of reach")
    elif what == "hang":
        time.sleep(600)


def attempts(home: Path, who: str) -> int:
    """Return how often a build of ``who`` was begun."""
    path = home / f"done_{who}"
    return len(path.read_text()) if path.is_file() else 0


def note(home: Path, line: str) -> None:
    with (home / "notes").open("a") as stream:
        stream.write(line + "\n")


class ToyPresence(Presence):
    """Brings the three stages to a worker: it is unpickled there, which imports this module."""

    def setup(self, worker):
        import flows.engine.request

        flows.engine.request.stage_named = named
        super().setup(worker)
