"""The command as a person types it: one sentence for a mistake, and its exit code."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
from tests._support.studies import folded_config, tiny_config

ROOT = Path(__file__).parents[2]
VERITILE = str(Path(sys.executable).with_name("veritile"))


def veritile(*words, cwd=None):
    return subprocess.run([VERITILE, *map(str, words)], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def study_file(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    return path


def test_a_misspelt_key_is_one_sentence_and_exit_code_2(study_file):
    study_file.write_text(study_file.read_text().replace("epochs:", "epoch:"))
    done = veritile("run", study_file)
    assert done.returncode == 2
    assert "did you mean 'epochs'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(study_file):
    study_file.write_text("study: [")
    done = veritile("--debug", "validate", study_file)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_every_problem_of_a_manifest_is_told_at_once_with_its_row(study_file, manifest, tmp_path):
    broken = tmp_path / "broken.csv"
    lines = manifest.read_text().splitlines()
    lines[1] = lines[1].replace("slides/phantom_01_1.tiff", "../outside.tiff")
    lines[2] = lines[2].replace(",train,", ",training,")
    broken.write_text("\n".join([*lines, lines[3]]))
    study_file.write_text(study_file.read_text().replace(str(manifest), str(broken)))
    done = veritile("validate", study_file, "--data-root", manifest.parent, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "row 2: " in done.stderr
    assert "row 3: " in done.stderr
    assert "row 8: " in done.stderr


def test_validate_says_what_the_study_consists_of(study_file, tmp_path):
    done = veritile("validate", study_file, "--home", tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "3 train slides, 1 val slides, 2 test slides" in done.stdout
    assert (
        "6 tile, 2 train, 2 predict, 2 surround, 10 explain, 3 scale, 4 draw, 12 evaluate, 1 compare, "
        "1 review, 1 record" in done.stdout.replace("\n", " ")
    )
    assert "halo: 8 px around each explained tile of 32 px, 2.25 times the pixels" in done.stdout
    assert "maps: at most 512 tiles of each slide are explained" in done.stdout.replace("\n", " ")


def test_validate_and_status_know_the_folds(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(folded_config(manifest).model_dump(mode="json")))
    done = veritile("validate", path, "--home", tmp_path / "home")
    assert done.returncode == 0, done.stderr
    for k in range(3):
        assert f"fold {k}: 2 train slides, 2 val slides, 2 test slides" in done.stdout
    assert (
        "6 tile, 6 train, 6 predict, 6 surround, 18 explain, 2 scale, 6 draw, 12 evaluate, 1 compare, "
        "1 review, 1 record" in done.stdout.replace("\n", " ")
    )
    done = veritile("status", path, "--home", tmp_path / "home")
    assert "train/standard/fold2/seed0" in done.stdout


def test_status_of_a_new_study_says_that_nothing_was_made(study_file, tmp_path):
    done = veritile("status", study_file, "--home", tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "it was never made" in done.stdout
    assert "tile      6 would run" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--only", "trian"),
            "no stage 'trian' (did you mean 'train'?); the stages are: tile, embed, dose, train",
        ),
        (("--only", "train", "--from", "tile"), "exclude each other"),
        (("--arm", "standard"), "narrow --only or --from"),
        (("--fold", "1"), "narrow --only or --from"),
        (("--only", "train", "--fold", "1"), "no fold 1; the study has no folds"),
    ],
)
def test_wrong_orders_are_refused_before_any_work(study_file, tmp_path, words, sentence):
    done = veritile("run", study_file, "--home", tmp_path / "home", *words)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_only_on_a_study_that_was_never_run_ends_with_code_2_and_names_what_is_missing(study_file, tmp_path):
    done = veritile("run", study_file, "--home", tmp_path / "home", "--only", "compare")
    assert done.returncode == 2
    missing = "needs 18 artifacts that were never made from the present inputs: train/standard/seed0, "
    assert f"--only compare {missing}" in done.stderr
    assert "run the study without --only first" in done.stderr


@pytest.mark.parametrize("command", ["run", "status"])
def test_an_unknown_selector_is_refused_with_the_nearest(study_file, tmp_path, command):
    words = ["--only", "explain", "--explainer", "smothgrad"]
    done = veritile(command, study_file, "--home", tmp_path / "home", *words)
    assert done.returncode == 2
    assert "did you mean 'smoothgrad'?" in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"# caf\xe9"), "is not UTF-8"),
        (lambda path: path.write_text(path.read_text() + "study: other"), "key 'study' is written twice"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder, not a file"),
    ],
)
def test_a_file_that_is_no_study_file_is_one_sentence(study_file, tmp_path, change, sentence):
    change(study_file)
    done = veritile("validate", study_file, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


PLANTED = """
import sys
import flows.cli
import flows.commands.phantom
flows.commands.phantom.plugins = lambda console: 1 / 0
sys.argv = ["veritile", *sys.argv[1:]]
flows.cli.main()
"""


@pytest.mark.parametrize(("words", "trace"), [(("plugins",), False), (("--debug", "plugins"), True)])
def test_an_unexpected_error_is_one_sentence_too(words, trace):
    command = [sys.executable, "-c", PLANTED, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert ("Traceback" in done.stderr) == trace
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert ("holds the traceback)" in done.stderr) != trace


BROKEN = """
import sys
from importlib.abc import MetaPathFinder

class Broken(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "flows.commands.phantom":
            raise ZeroDivisionError("a bug\\nof two lines")

sys.meta_path.insert(0, Broken())
"""


def unforeseen(tmp_path, *words):
    """Run the installed command on an interpreter in which one of its modules is broken."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    return subprocess.run(
        [VERITILE, *map(str, words)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "TMPDIR": str(tmp_path)},
    )  # fmt: skip


def test_the_command_tells_what_nobody_foresaw_in_one_sentence_and_keeps_the_traceback(tmp_path):
    done = unforeseen(tmp_path, "plugins")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ZeroDivisionError: a bug of two lines (")
    (log,) = tmp_path.glob("unforeseen_*.log")
    assert line.endswith(f"({log} holds the traceback)")
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert text.splitlines()[0].endswith("veritile plugins")
    assert log.stat().st_mode & 0o077 == 0


def test_the_traceback_goes_below_a_home_that_is_there(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = unforeseen(tmp_path, "phantom", "--recipe", f"--home={home}", "x")
    assert done.returncode == 1, done.stderr
    assert len(list((home / "logs").glob("unforeseen_*.log"))) == 1


def test_debug_shows_the_traceback_of_what_nobody_foresaw(tmp_path):
    done = unforeseen(tmp_path, "--debug", "plugins")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert not list(tmp_path.glob("unforeseen_*.log"))


def test_an_empty_word_is_refused(study_file, tmp_path):
    done = veritile("status", study_file, "--home", tmp_path / "home", "--only", "")
    assert done.returncode == 2
    assert "no stage ''" in done.stderr


def test_a_device_that_is_not_there_is_refused_before_any_work(study_file, tmp_path):
    study_file.write_text(study_file.read_text().replace("devices: []", "devices: ['cuda:7']"))
    study_file.write_text(study_file.read_text().replace("device: cpu", "device: cuda"))
    done = veritile("run", study_file, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "device cuda:7 is not on this machine, which has: cpu" in done.stderr
    assert not (tmp_path / "home" / "store").exists()


def test_unused_lists_what_could_go_and_deletes_it_only_when_asked(tmp_path):
    store = Store(tmp_path / "home")
    part = ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={})
    reference = store.reuse_or_build(part, lambda out: (out / "a.txt").write_text("a") and None)
    for path in store.root.rglob("*"):
        os.utime(path, (0, 0))
    words = ["unused", "--home", str(tmp_path / "home"), "--days", "7"]
    listed = veritile(*words)
    assert listed.returncode == 0
    assert "1 could go" in listed.stdout
    assert store.path(reference).is_dir()
    assert "1 deleted" in veritile(*words, "--delete").stdout
    assert store.find(part) is None
    assert "nothing:" in veritile(*words).stdout


def test_unused_keeps_what_a_study_file_plans(study_file, tmp_path):
    home = tmp_path / "home"
    done = veritile("run", study_file, "--home", home, "--only", "tile")
    assert done.returncode == 0, done.stderr
    for path in (home / "store").rglob("*"):
        os.utime(path, (0, 0))
    words = ["unused", "--home", home, "--days", "7"]
    assert "6 could go" in veritile(*words).stdout
    assert "nothing:" in veritile(*words, "--keep", study_file).stdout


def test_the_command_is_recorded_as_it_was_typed(study_file, tmp_path):
    home = tmp_path / "home"
    assert veritile("run", study_file, "--home", home).returncode == 0
    with sqlite3.connect(home / "mlflow" / "mlflow.db") as database:
        told = database.execute("select value from tags where key = 'veritile.command'").fetchall()
    assert told == [(f"veritile run {study_file} --home {home}",)]
    adopted = veritile("adopt", "all", study_file, "--home", home, "--reason", "nothing changed")
    assert adopted.stdout.strip() == "adopted 0 artifacts of all"


def test_unused_refuses_a_home_without_a_store(tmp_path):
    answer = veritile("unused", "--home", str(tmp_path / "nowhere"))
    assert answer.returncode == 2
    assert "no store in" in answer.stderr


def test_plugins_lists_each_with_its_line():
    done = veritile("plugins")
    assert done.returncode == 0
    for name in ("noise_modulation", "smoothgrad", "optical_density", "deletion", "section_auc"):
        assert name in done.stdout


def test_a_phantom_recipe_may_come_from_a_file(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("{train: [1], val: [1], test: [1], size_px: [320, 320], mpp: 1.0, sections: 1}")
    done = veritile("phantom", tmp_path / "cohort", "--recipe", recipe)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "cohort" / "manifest.csv").read_text().splitlines()) == 4
    recipe.write_text("{trian: [1]}")
    assert veritile("phantom", tmp_path / "other", "--recipe", recipe).returncode == 2


def test_a_schedule_needs_a_lasting_server(study_file, tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    done = veritile("schedule", study_file, "--every", 60, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "need a lasting Prefect server" in done.stderr


def test_failed_slides_end_the_command_with_their_list_and_exit_code_1(study_file, manifest, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(manifest.parent, folder)
    header, first, *others = (folder / "manifest.csv").read_text().splitlines()
    slide = folder / first.split(",")[2]
    slide.write_bytes(slide.read_bytes()[:1000])
    first = first.rpartition(",")[0] + ","
    (folder / "manifest.csv").write_text("\n".join([header, first, *others]) + "\n")
    study_file.write_text(study_file.read_text().replace(str(manifest), str(folder / "manifest.csv")))
    done = veritile("run", study_file, "--home", tmp_path / "home", "--only", "tile")
    assert done.returncode == 1
    assert "1 of 6 slides failed" in done.stderr
    assert "phantom_01_1: " in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
