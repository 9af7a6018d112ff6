"""veritile report: what it writes and what it refuses, each in one sentence."""

from pathlib import Path

import docx
import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.commands import report as command
from flows.commands.report import ReportJob, report
from flows.commands.target import Target
from flows.options import out
from tasks.study.errors import UsageError
from tests._support.caches import CACHES
from tests._support.plans import plan_of
from tests._support.reported_studies import store_contents
from tests._support.studies import tiny_config


@pytest.fixture(scope="module")
def target(manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    config = tiny_config(manifest)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    store_contents(plan_of(config, folder / "home"))
    return Target(folder / "tiny.yaml", folder / "home")


def run(target, *words):
    return CliRunner().invoke(
        app, ["report", str(target.config), "--home", str(target.home), *map(str, words)]
    )


def contents(home):
    return {
        name: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and (name := path.relative_to(home).as_posix()) not in CACHES
    }


def test_the_page_is_printed_and_the_home_stays_as_it_was(target):
    before = contents(target.home)
    ended = run(target, "--checklist", "tripod-ai")
    assert ended.exit_code == 0, ended.output
    assert ended.output.startswith("# tiny: TRIPOD+AI, 2024\n")
    assert ended.output.count("\n### ") == 52
    assert contents(target.home) == before


def test_the_name_of_the_file_says_the_format(target, tmp_path):
    ended = run(target, "--checklist", "claim", "--out", tmp_path / "new" / "a.docx")
    assert ended.exit_code == 0, ended.output
    assert "of 44 items" in ended.output.lower()
    headings = [
        p.text
        for p in docx.Document(str(tmp_path / "new" / "a.docx")).paragraphs
        if p.style.name == "Heading 2"
    ]
    assert len(headings) == 44
    assert run(target, "--checklist", "claim", "--out", tmp_path / "a.md").exit_code == 0
    page = (tmp_path / "a.md").read_text("utf-8")
    assert [line[4:] for line in page.splitlines() if line.startswith("### ")] == headings


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (ReportJob("clam"), r"^--checklist: there is no checklist 'clam' \(did you mean 'claim'\?\); there "),
        (ReportJob("claim", "pdf"), r"^--format is 'pdf'; allowed are md, docx$"),
        (ReportJob("claim", "md", Path("a.docx")), r"^--format md and --out a.docx disagree; leave "),
        (ReportJob("claim", "docx"), r"^--format docx writes a file; name it with --out$"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(target, words, told):
    with pytest.raises(UsageError, match=told):
        report(target, words, out)


def test_a_file_in_the_home_is_refused(target):
    with pytest.raises(UsageError, match=r"--out a.md lies in the home, which a report leaves as it is"):
        report(target, ReportJob("claim", None, target.home / "a.md"), out)
    assert not (target.home / "a.md").exists()


def test_without_python_docx_it_says_how_to_install_it(target, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "can_write_word", lambda: False)
    with pytest.raises(UsageError, match=r"needs python-docx, .* pip install 'veritile\[reports\]'$"):
        report(target, ReportJob("claim", None, tmp_path / "a.docx"), out)


def test_a_study_that_never_ran_has_nothing_to_report(target, tmp_path):
    with pytest.raises(UsageError, match=r"^nothing is stored of tiny as its study file and the code stand"):
        report(Target(target.config, tmp_path / "home"), ReportJob("claim"), out)


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(target, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--out a.md cannot be written: (Not a directory|File exists)"):
        report(target, ReportJob("claim", None, tmp_path / "file" / "a.md"), out)
