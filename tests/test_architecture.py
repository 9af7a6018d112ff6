"""The house keeps its shape: storeys, mirror, sizes, one plug-in a file, no name of a dependency."""

import ast
import importlib
import importlib.util
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from flows.engine.stages import all_stages
from tasks.plugins import available, plugin_class

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for top in ("flows", "tasks", "veritile") for p in (ROOT / top).rglob("*.py"))
MODULES = [p for p in SOURCES if p.name != "__init__.py"]
FAMILIES = (
    "tasks.regularizers",
    "tasks.explainers",
    "tasks.exemplars",
    "tasks.faithfulness",
    "tasks.model_metrics",
    "tasks.aggregators",
    "tasks.models.mil",
    "tasks.models.encoders",
)
FACADE = ROOT / "veritile" / "__init__.py"
"""The one package file with code: the table of public names."""

BY_NAME = ROOT / "veritile" / "methods.py"
"""Takes settings as keywords, which the model of the method checks."""

FILE_LIMIT, BODY_LIMIT, ARGUMENT_LIMIT = 300, 45, 6


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_bodies_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LIMIT
    for function in functions(path):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert length <= BODY_LIMIT, f"{function.name} has a body of {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_keyword_tunnel_and_no_swallowed_error(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in functions(path):
        assert function.args.kwarg is None or path == BY_NAME, (
            f"{function.name} takes **{function.args.kwarg.arg}"
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            assert caught not in ("", "Exception", "BaseException"), f"line {node.lineno} catches everything"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "__init__.py" and p != FACADE], ids=name_of)
def test_package_files_hold_a_docstring_and_nothing_else(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_no_module_bears_the_name_of_a_dependency():
    foreign = set(packages_distributions()) - {"flows", "tasks", "tests", "benchmarks", "veritile"}
    assert not {p.stem for p in MODULES} & {f for f in foreign if f.isidentifier()} - {"base"}


def test_every_file_of_tasks_is_a_stage_that_bears_its_name():
    """But for ``plugins``, which finds methods as the engine finds stages."""
    files = {p.stem for p in (ROOT / "tasks").glob("*.py")} - {"__init__", "plugins"}
    assert {stage.name for stage in all_stages()} == files
    for stage in all_stages():
        assert type(stage).__module__ == f"tasks.{stage.name}"


def test_the_stages_are_in_the_order_of_the_overview():
    groups = dict.fromkeys(stage.group for stage in all_stages())
    assert list(groups) == ["tile", "train", "explain", "evaluate", "compare", "record"]
    assert {stage.name for stage in all_stages()} == {
        "tile", "embed", "dose", "train", "predict", "calibrate", "surround", "explain", "scale", "draw",
        "exemplify", "evaluate", "measure", "compare", "review", "record",
    }  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_an_underscore_module_is_imported_from_its_own_folder_only(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        base = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            parts = (f"{base}.{alias.name}" if base else alias.name).split(".")
            private = [index for index, part in enumerate(parts) if part.startswith("_")]
            module = ROOT.joinpath(*parts[: private[0] + 1]) if private else None
            if module is not None and module.with_suffix(".py").is_file():
                assert module.parent == path.parent, f"{'.'.join(parts)} is private to its folder"


def test_no_class_name_exists_twice():
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name_of(path))
    twice = {name: files for name, files in places.items() if len(files) > 1}
    assert not twice


@pytest.mark.parametrize("family", FAMILIES)
def test_every_plugin_file_holds_one_plugin_with_a_source(family):
    names = available(family)
    assert names
    for name in names:
        cls = plugin_class(family, name)
        assert cls.source, f"{name} cites no source"
        assert (cls.__doc__ or "").strip(), f"{name} does not say what it does"


def test_tests_mirror_the_tree():
    """Every package of nouns has a folder of tests; every plug-in file has a test file of its own."""
    for package in {p.parent.relative_to(ROOT / "tasks") for p in (ROOT / "tasks").rglob("*.py")} - {Path()}:
        assert list((ROOT / "tests" / package).glob("test_*.py")), f"tasks/{package} has no tests"
    for family in FAMILIES:
        for name in available(family):
            folder = Path(*family.split(".")[1:])
            assert (ROOT / "tests" / folder / f"test_{name}.py").is_file(), f"{family}.{name} has no test"


def test_help_needs_no_heavy_import():
    """``veritile --help`` answers at once because torch, prefect and mlflow wait for a command."""
    code = (
        "import sys, flows.cli; "
        "heavy = ('torch', 'prefect', 'mlflow', 'monai', 'pandas', 'pydantic'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_nouns_import_without_prefect():
    """MLflow cannot be asked for here: MONAI's own handlers import it. Import-linter watches ours."""
    nouns = [
        n
        for n in (p.stem for p in (ROOT / "tasks").iterdir() if (p / "__init__.py").is_file())
        if n != "tracking"
    ]
    imports = "; ".join(
        f"import {'.'.join(p.relative_to(ROOT).with_suffix('').parts)}"
        for n in nouns
        for p in sorted((ROOT / "tasks" / n).rglob("*.py"))
        if p.name != "__init__.py"
    )
    code = f"import sys; {imports}; print([m for m in ('prefect',) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_no_machine_path_or_address_is_checked_in():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    forbidden = ("/" + "work/", "/" + "root/", "/" + "home/")
    for name in listed.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".json", ".csv"}
            and path.is_file()
        ):
            text = path.read_text(encoding="utf-8")
            assert not any(word in text for word in forbidden), f"{name} names a path of some machine"


def test_everything_imports():
    for path in MODULES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert importlib.util.find_spec(module) is not None
