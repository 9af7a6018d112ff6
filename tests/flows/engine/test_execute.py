"""The run itself, on stages of two lines each: what starts when, what fails, what is read from the store."""

import pickle
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from flows.engine import execute as execute_module
from flows.engine import plan as plan_module
from flows.engine import stages as stages_module
from flows.engine.events import Advanced, BuildEnded, BuildStarted, Reused, RunStarted, listening
from flows.engine.execute import execute
from flows.engine.outcome import StoppedRunError, settle
from flows.engine.plan import Plan
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.drafts import sweep
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.process_identity import this_process
from tasks.artifacts.storage_errors import StorageError
from tasks.artifacts.store import Store
from tasks.study.errors import UsageError
from tasks.study.stage import Planned, Stage, optional_on_failure, some
from tests._support.studies import tiny_config


@dataclass(frozen=True)
class Word(Artifact):
    @property
    def text(self) -> str:
        return (self.folder / "text").read_text()


@dataclass(frozen=True)
class Letter(Word):
    pass


@dataclass(frozen=True)
class Sentence(Word):
    pass


@dataclass(frozen=True)
class LetterInputs:
    pass


@dataclass(frozen=True)
class WordInputs:
    letters: Mapping[str, Letter] = some()


@dataclass(frozen=True)
class SentenceInputs:
    words: Mapping[ModelKey, Word] = optional_on_failure()


MODELS = [ModelKey(arm, 0) for arm in ("a", "b", "c")]


class Spell(Stage[LetterInputs]):
    name, group, makes = "spell", "spell", Letter
    reads_slides = True

    def plan(self, study):
        for slide in "xyz":
            yield Planned(ArtifactKey("spell", slide=slide), {"slide": slide}, ())

    def build(self, inputs, out, context):
        context.advance(1)
        HOOK[0](context)
        (out / "text").write_text(str(context.key.slide))


class Say(Stage[WordInputs]):
    name, group, makes = "say", "say", Word
    asks_models = True

    def plan(self, study):
        for model, slide in zip(MODELS, "xyz", strict=True):
            letters = {slide: ArtifactKey("spell", slide=slide)}
            yield Planned(ArtifactKey("say", model), {"arm": model.arm}, (), {"letters": letters})

    def build(self, inputs, out, context):
        HOOK[0](context)
        (out / "text").write_text(context.key.model.arm + "".join(v.text for v in inputs.letters.values()))


class Tell(Stage[SentenceInputs]):
    name, group, makes = "tell", "tell", Sentence
    tells_failures = True

    def plan(self, study):
        words = {model: ArtifactKey("say", model) for model in MODELS}
        yield Planned(ArtifactKey("tell"), {}, (), {"words": words})

    def build(self, inputs, out, context):
        HOOK[0](context)
        failed = [f"{label}: {why}" for label, why in context.spec.recipe["failed"].items()]
        (out / "text").write_text(" ".join([*(w.text for w in inputs.words.values()), *failed]))


def nothing(context):
    pass


HOOK = [nothing]
STAGES = (Spell(), Say(), Tell())


@pytest.fixture(autouse=True)
def _three_stages(monkeypatch):
    def named(name):
        return next(stage for stage in STAGES if stage.name == name)

    before = {"spell": frozenset(), "say": frozenset({"spell"}), "tell": frozenset({"spell", "say"})}
    monkeypatch.setattr(plan_module, "all_stages", lambda: STAGES)
    for module in ("plan", "resolve", "request", "execute"):
        monkeypatch.setattr(f"flows.engine.{module}.stage_named", named)
    monkeypatch.setattr("flows.engine.rerun.ancestors", before.__getitem__)
    monkeypatch.setattr("flows.engine.rerun.stages_of", lambda word: (named(word),))
    stages_module.all_stages.cache_clear()
    yield
    stages_module.all_stages.cache_clear()


@pytest.fixture
def hook():
    def put(function):
        HOOK[0] = function

    yield put
    HOOK[0] = nothing


@pytest.fixture
def make(manifest, tmp_path):
    """Run the three stages in one home, in this thread where no runner says otherwise."""

    def run(submit=None, options=None, **resources):
        config = tiny_config(manifest, resources=resources, failures={"max_failed_slides": 0.5})
        plan = Plan(open_study(config, tmp_path / "home", None))
        return execute(plan, options or RerunOptions(), submit or told, {})

    return run


def told(request):
    """Build in the calling thread, and return the error as a Prefect task would."""
    try:
        fulfil(request)
    except (ValueError, OSError, StorageError) as error:
        return error
    return None


def labels(keys):
    return [key.label for key in keys]


def text(home, label):
    kinds = ("Letter", "Word", "Sentence")
    record = next(r for kind in kinds for r in Store(home).records(kind) if r.spec.label == label)
    return (Store(home).path(record.reference) / "text").read_text()


def test_everything_is_made_once_and_then_reused(make, tmp_path):
    first = make(runner="inline")
    assert len(first.executed) == len(first.plan) == 7
    assert text(tmp_path / "home", "tell") == "ax by cz"
    assert make(runner="inline").executed == ()


def test_there_is_no_wave_between_stages(make, hook):
    said = threading.Event()

    def hooked(context):
        if context.key == ArtifactKey("spell", slide="z"):
            assert said.wait(20), "the last letter waits for the first word, so they cannot be waves"
        if context.key.stage == "say":
            said.set()

    hook(hooked)
    assert len(make(workers=3).executed) == 7


def test_two_device_slots_take_two_models_at_once(make, hook):
    both, devices = threading.Barrier(2, timeout=20), []

    def hooked(context):
        if context.key.stage == "say" and context.key.model.arm in "ab":
            devices.append(context.device)
            both.wait()

    hook(hooked)
    assert len(make(devices=["cpu", "cpu"]).executed) == 7
    assert devices == ["cpu", "cpu"]


def test_two_slots_never_take_three_models(make, hook):
    running, most, lock = [], [], threading.Lock()

    def hooked(context):
        if context.key.stage == "say":
            with lock:
                running.append(context.key)
                most.append(len(running))
            time.sleep(0.05)
            with lock:
                running.remove(context.key)

    hook(hooked)
    make(devices=["cpu", "cpu"])
    assert max(most) <= 2


@pytest.mark.parametrize(
    ("resources", "own_thread"),
    [
        ({"runner": "inline"}, {"spell", "say", "tell"}),
        ({}, {"say", "tell"}),
        ({"devices": ["cpu", "cpu"]}, {"tell"}),
    ],
)
def test_each_build_runs_in_its_lane(make, hook, resources, own_thread):
    threads = {}
    hook(lambda context: threads.setdefault(context.key.stage, set()).add(threading.get_ident()))
    make(**resources)
    assert {stage for stage, used in threads.items() if used == {threading.get_ident()}} == own_thread


def test_success_is_read_from_the_store_and_not_from_the_word_of_a_runner(make, tmp_path):
    def liar(request):
        if request.stage == "say" and request.artifacts[0].key.model.arm == "b":
            return None  # says nothing went wrong, and made nothing
        told(request)
        return ValueError("lost on the way back")  # made it, and says it failed

    result = make(liar, runner="inline")
    assert result.state.failed == {ArtifactKey("say", MODELS[1]): "it was not stored"}
    assert text(tmp_path / "home", "tell") == "ax cz say/b/seed0: it was not stored"


def test_a_forced_build_that_fails_does_not_pass_for_the_old_one(make, hook):
    make(runner="inline")

    def fail(context):
        raise ValueError("no breath")

    hook(fail)
    options = RerunOptions(only="say", selection=Selection(arm=("a",)))
    result = make(options=options, runner="inline")
    assert result.state.failed == {ArtifactKey("say", MODELS[0]): "no breath"}
    assert result.executed == ()
    hook(nothing)
    assert make(runner="inline").executed == (), "the artifact of before is kept"


@pytest.fixture
def without_y(hook):
    def fail(context):
        if context.key.slide == "y":
            raise ValueError("the ink is dry")

    hook(fail)


def test_what_failed_is_told_once_and_what_waits_for_it_is_counted(make, without_y, tmp_path):
    result = make(runner="inline")
    cause = ArtifactKey("spell", slide="y")
    assert result.state.failed == {cause: "the ink is dry"}
    assert result.state.blocked == {ArtifactKey("say", MODELS[1]): cause}
    assert text(tmp_path / "home", "tell") == "ax cz spell/y: the ink is dry"
    (record,) = Store(tmp_path / "home").records("Sentence")
    assert record.spec.recipe == {"failed": {"spell/y": "the ink is dry"}}


def test_a_failed_artifact_is_tried_again_and_what_told_it_is_made_anew(make, hook, tmp_path):
    def fail(context):
        if context.key.slide == "y":
            raise ValueError("the ink is dry")

    hook(fail)
    make(runner="inline")
    hook(nothing)
    assert labels(make(runner="inline").executed) == ["spell/y", "say/b/seed0", "tell"]
    assert "ax by cz" in {
        (Store(tmp_path / "home").path(r.reference) / "text").read_text()
        for r in Store(tmp_path / "home").records("Sentence")
    }


def test_only_on_what_was_never_made_names_it(make):
    with pytest.raises(UsageError, match=r"--only tell needs 3 artifacts that were .*: say/a/seed0, say/b"):
        make(options=RerunOptions(only="tell"), runner="inline")


def test_only_makes_do_without_what_failed_and_says_so(make, without_y):
    make(runner="inline")
    result = make(options=RerunOptions(only="tell"), runner="inline")
    assert labels(result.executed) == ["tell"]
    assert result.state.blocked == {ArtifactKey("say", MODELS[1]): ArtifactKey("spell", slide="y")}


def test_what_keeps_a_request_from_running_ends_the_run_in_every_lane(make):
    class ServerGoneError(Exception):
        pass

    for resources in ({"runner": "inline"}, {"workers": 2}, {"devices": ["cpu", "cpu"]}):

        def submit(request):
            raise ServerGoneError("no server")

        with pytest.raises(ServerGoneError, match="no server"):
            make(submit, **resources)


def test_one_artifact_of_a_request_that_fails_keeps_no_other_from_being_stored(
    make, hook, tmp_path, monkeypatch
):
    monkeypatch.setattr(Say, "plan", together(Say.plan))

    def fail(context):
        if context.key == ArtifactKey("say", MODELS[1]):
            raise ValueError("no breath")

    hook(fail)
    result = make(runner="inline")
    assert result.state.failed == {ArtifactKey("say", MODELS[1]): "no breath"}
    assert text(tmp_path / "home", "tell") == "ax cz say/b/seed0: no breath"


def together(plan):
    return lambda self, study: (replace(planned, together=MODELS[0]) for planned in plan(self, study))


def test_a_bar_counts_what_may_be_made_and_nothing_that_is_stored(make):
    make(runner="inline")
    heard = []
    with listening(heard.append):
        make(options=RerunOptions(from_stage="say"), runner="inline")
    assert heard[0] == RunStarted({"say": 3, "tell": 1})
    assert [event for event in heard if isinstance(event, Reused)] == [Reused("tell")]


def test_progress_comes_as_events(make):
    heard = []
    with listening(heard.append):
        make(runner="inline")
    assert heard[0] == RunStarted({"spell": 3, "say": 3, "tell": 1})
    assert heard[1:4] == [
        BuildStarted("spell", "spell/x", 1),
        Advanced("spell/x", 1),
        BuildEnded("spell", "spell/x", 1),
    ]


def test_a_request_can_be_sent_while_progress_is_shown(make):
    sent = []

    def elsewhere(request):
        sent.append(pickle.dumps(request))
        return told(pickle.loads(sent[-1]))

    lock = threading.RLock()  # a terminal's bars hold one

    def listener(event):
        with lock:
            pass

    with listening(listener):
        assert len(make(elsewhere, runner="inline").executed) == 7
    assert len(sent) == 7


def test_status_previews_what_a_run_then_makes(make, hook, manifest, tmp_path, without_y):
    make(runner="inline")
    home = tmp_path / "home"
    config = tiny_config(manifest, resources={"runner": "inline"}, failures={"max_failed_slides": 0.5})
    for options in (
        RerunOptions(),
        RerunOptions(only="say"),
        RerunOptions(only="spell", selection=Selection(slide=("x",))),
        RerunOptions(from_stage="spell"),
        RerunOptions(only="tell"),
        RerunOptions(from_stage="say", selection=Selection(arm=("c",))),
    ):
        plan = Plan(open_study(config, home, None))
        told_before = [s.key for s in plan_status(plan, options) if s.state == "would run"]
        assert list(make(options=options, runner="inline").executed) == told_before, options


def test_execution_asks_for_a_lane_by_what_a_stage_declares():
    assert [execute_module.lane_of(stage.name) for stage in STAGES] == ["slides", "device", "flow"]


def full_at(*keys):
    def refuse(context):
        if context.key in keys:
            raise OSError(28, "No space left on device")

    return refuse


@pytest.mark.parametrize("runner", ["inline", "threads"])
@pytest.mark.parametrize("where", [ArtifactKey("spell", slide="y"), ArtifactKey("say", MODELS[1])], ids=str)
def test_a_full_disk_stops_the_run_with_one_sentence_and_no_note(make, hook, tmp_path, runner, where):
    hook(full_at(where))
    result = make(runner=runner, workers=1)
    assert where not in result.state.failed, "a slide is not lost because a disk was full"
    with pytest.raises(
        StoppedRunError, match=rf"^{where} could not be written: the disk of .* is full"
    ) as told:
        settle(result)
    waiting = 7 - len(result.state.references)
    assert str(told.value).endswith(f"({waiting} artifacts wait for it)")
    assert str(told.value).count("could not be written") == 1
    assert not (tmp_path / "home" / "work" / "failed").exists()
    assert not any((tmp_path / "home" / "store" / ".drafts").iterdir())
    assert {status.state for status in plan_status(result.plan, RerunOptions())} <= {"done", "would run"}
    hook(nothing)
    assert len(make(runner="inline").executed) == waiting
    assert text(tmp_path / "home", "tell") == "ax by cz"


def test_after_a_full_disk_nothing_further_is_started(make, hook):
    started = []
    with listening(lambda event: started.append(event) if isinstance(event, BuildStarted) else None):
        hook(full_at(ArtifactKey("spell", slide="x")))
        make(runner="inline")
    assert [event.label for event in started] == ["spell/x"]


def test_what_failed_before_the_disk_was_full_is_told_too(make, hook):
    def fail(context):
        if context.key.slide == "x":
            raise ValueError("the ink is dry")
        full_at(ArtifactKey("spell", slide="y"))(context)

    hook(fail)
    result = make(runner="inline")
    with pytest.raises(StoppedRunError, match=r"\n  spell/x failed for another reason: the ink is dry$"):
        settle(result)


def test_a_home_that_goes_away_is_told_and_not_made_again(make, hook, tmp_path):
    home, away = tmp_path / "home", tmp_path / "away"

    def take_away(context):
        if context.key.slide == "y":
            home.rename(away)

    hook(take_away)
    result = make(runner="inline")
    with pytest.raises(
        StoppedRunError, match=r"^spell/y could not be written: the home .* is not there any more"
    ):
        settle(result)
    assert not home.exists()
    hook(nothing)
    away.rename(home)
    assert len(make(runner="inline").executed) == 6


def test_another_folder_in_the_place_of_the_home_is_not_written(make, hook, tmp_path):
    home, away = tmp_path / "home", tmp_path / "away"

    def exchange(context):
        if context.key.slide == "y":
            home.rename(away)
            home.mkdir()

    hook(exchange)
    with pytest.raises(StoppedRunError, match="is not there any more"):
        settle(make(runner="inline"))
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_two_runs_of_one_study_are_not_disturbed_by_a_sweep_beside_them(make, hook, tmp_path):
    store, own, swept, over = Store(tmp_path / "home"), this_process(), [], threading.Event()
    dead = replace(own, started=own.started - 100_000)

    def sweep_again_and_again():
        while not over.is_set():
            (store.drafts / f"1a2b@{dead.text}@{len(swept):08x}").mkdir(parents=True, exist_ok=True)
            swept.extend(sweep(tmp_path / "home", store.drafts))

    hook(lambda context: time.sleep(0.02))
    with ThreadPoolExecutor(3) as threads:
        sweeping = threads.submit(sweep_again_and_again)
        both = [threads.submit(make, None, None, runner="inline") for _ in range(2)]
        results = [each.result() for each in both]
        over.set()
        sweeping.result()
    assert all(not result.state.failed and result.stopped is None for result in results)
    assert results[0].state.references == results[1].state.references
    assert text(tmp_path / "home", "tell") == "ax by cz"
    assert swept
    assert all(dead.text in name for name in swept)
