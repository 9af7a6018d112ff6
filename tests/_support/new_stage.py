"""A copy of the package tree with one file more: the stage ``count`` that the documentation shows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests._support.snippets import ROOT, blocks
from tests._support.studies import tiny_config

MAIN = """
import contextlib, io, json, sys
from flows.cli import main

def veritile(words):
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["veritile", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return [code or 0, out.getvalue(), err.getvalue()]

print(json.dumps([veritile(words) for words in json.loads(sys.argv[1])]))
"""
"""Types some commands, one after the other, in one process."""


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def stage_file() -> str:
    """Return the stage file of docs/architecture.md."""
    (text,) = (block for block in blocks("docs/architecture.md") if "class Count(Stage" in block)
    return text


def tree_with_stage(folder: Path) -> Path:
    """Make a tree in which ``tasks/`` holds the new file beside links to all that there is."""
    tasks = folder / "tasks"
    tasks.mkdir(parents=True)
    for entry in (ROOT / "tasks").iterdir():
        if entry.name != "__pycache__":
            (tasks / entry.name).symlink_to(entry)
    (folder / "flows").symlink_to(ROOT / "flows")
    (tasks / "count.py").write_text(stage_file())
    return folder


def study_file(path: Path, manifest: Path, **changes: Any) -> Path:
    """Write a study of one arm, one explainer and one metric."""
    less = {
        "train": {"arms": [{"id": "standard"}], "seeds": [0]},
        "explain": {"explainers": [{"name": "gradient"}], "controls": [{"name": "random_map"}]},
        "evaluate": {"metrics": [{"name": "gini"}]},
    }
    data = tiny_config(manifest).model_dump(mode="json")
    less["train"]["recipe"] = data["train"]["recipe"] | {"epochs": 1}
    path.write_text(yaml.safe_dump(data | less | changes))
    return path


def python(tree: Path, code: str, *words: str) -> str:
    """Run ``code`` on the tree and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def veritile(tree: Path, *commands: tuple[str | Path, ...]) -> list[Answer]:
    """Type commands and return their answers."""
    printed = python(tree, MAIN, json.dumps([[str(word) for word in words] for words in commands]))
    return [Answer(*answer) for answer in json.loads(printed.splitlines()[-1])]
