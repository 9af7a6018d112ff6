"""What is compiled keeps its numbers; what cannot be is trained as it is written, and that is said."""

import pytest
import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.recipe import NetworkRecipe
from tasks.training import compiled, train
from tasks.training.compiled import as_written, compile_blocks
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.run import begin
from tasks.training.train import train_classifier
from tasks.training_step.rank import ALONE, Rank
from tests._support.tile_sets import make_cohort

SCAAT = {"name": "scaat", "steps": 1, "warmup": 0, "ramp": 0}


class Foreign(torch.nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = torch.nn.Linear(3, num_classes)

    def forward(self, images):
        return self.head(images.mean((2, 3)))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), count=20)[:3]


def job_of(cohort, *methods, rank=ALONE, **changes):
    values = {"network": NetworkRecipe(width=0.125), "epochs": 2, "batch": 8, "compile": True, **changes}
    arm = ArmRecipe(id="treated", regularizers=methods)
    return TrainingJob(cohort, TrainingRecipe(**values), arm, 0, "cpu", rank=rank)


def compiled_blocks(run):
    return [m for m in run.model.modules() if m._compiled_call_impl is not None]


def as_bytes(run):
    return {name: value.clone() for name, value in run.model.state_dict().items()}


@pytest.mark.parametrize("methods", [(), (SCAAT,)], ids=["standard", "scaat"])
def test_the_blocks_are_compiled_and_the_run_is_left_as_it_was(cohort, tmp_path, methods):
    run = begin(job_of(cohort, *methods), tmp_path)
    before, states = as_bytes(run), list(run.arm.states)
    assert compile_blocks(run, backend="eager")
    assert len(compiled_blocks(run)) == 8
    assert all(torch.equal(value, before[name]) for name, value in as_bytes(run).items())
    assert run.arm.states == states
    assert all(parameter.grad is None for parameter in run.model.parameters())
    with as_written(run.model):
        assert not compiled_blocks(run)
    assert len(compiled_blocks(run)) == 8


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        (("jacobian",), {}, "differentiates twice"),
        (("activation_sensitivity",), {}, "looks inside the blocks"),
        ((), {"rank": Rank(0, 2)}, "its 2 processes share statistics"),
        ((), {"network": NetworkRecipe(module=f"{__name__}:Foreign")}, "network.module"),
    ],
)
def test_what_cannot_be_compiled_is_said(cohort, tmp_path, caplog, words, changes, said):
    run = begin(job_of(cohort, *words, **changes), tmp_path)
    assert not compile_blocks(run, backend="eager")
    assert not compiled_blocks(run)
    assert f"arm 'treated' is trained without compiling: {'a regularizer ' * bool(words)}" in caplog.text
    assert said in caplog.text


def wrong_by(share):
    """A compiler whose programs return their outputs a little larger."""

    def backend(program, _inputs):
        return lambda *inputs: tuple(
            out * (1 + share) if torch.is_tensor(out) and out.is_floating_point() else out
            for out in program(*inputs)
        )

    return backend


def broken(_program, _inputs):
    raise OSError("no compiler for C++ was found")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (wrong_by(0.3), "its first gradient differs by"),
        (wrong_by(float("nan")), "its first gradient differs by nan"),
        (broken, "no compiler for C++ was found"),
    ],
)
def test_a_compiler_that_is_wrong_or_fails_is_not_used(cohort, tmp_path, caplog, backend, said):
    run = begin(job_of(cohort), tmp_path)
    before = as_bytes(run)
    assert not compile_blocks(run, backend=backend)
    assert said in caplog.text
    assert not compiled_blocks(run)
    assert all(torch.equal(value, before[name]) for name, value in as_bytes(run).items())


def trained(job, folder):
    out, work = folder / "out", folder / "work"
    for each in (out, work):
        each.mkdir(parents=True)
    measures = train_classifier(job, out, work, lambda row, epoch: None)
    return Checkpoint(out), measures


def test_a_training_says_whether_it_was_compiled_and_validates_as_written(cohort, tmp_path, monkeypatch):
    """With a compiler that changes nothing, so that the bytes are those of a plain training."""
    seen = []
    judge = train.judge_epoch
    monkeypatch.setattr(
        train, "judge_epoch", lambda run, row: seen.append(compiled_blocks(run)) or judge(run, row)
    )
    monkeypatch.setattr(train, "compile_blocks", lambda run: compiled.compile_blocks(run, "eager"))
    plain, measures = trained(job_of(cohort, compile=False), tmp_path / "plain")
    assert "compiled" not in measures
    fast, measures = trained(job_of(cohort), tmp_path / "compiled")
    assert measures["compiled"] == 1.0
    assert seen == [[]] * 4
    assert fast.history.equals(plain.history)
    assert fast.weights.read_bytes() == plain.weights.read_bytes()
    _, measures = trained(job_of(cohort, "jacobian"), tmp_path / "refused")
    assert measures["compiled"] == 0.0


@pytest.mark.slow
def test_torchs_own_compiler_keeps_the_numbers(cohort, tmp_path):
    """Where a compiler for C++ is present; it takes a minute. The loss of an epoch agrees."""
    fast, measures = trained(job_of(cohort, epochs=1), tmp_path / "compiled")
    plain, _ = trained(job_of(cohort, epochs=1, compile=False), tmp_path / "plain")
    assert measures["compiled"] == 1.0
    assert fast.history["train_loss"].tolist() == pytest.approx(
        plain.history["train_loss"].tolist(), rel=1e-3
    )
