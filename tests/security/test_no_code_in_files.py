"""No file of a stranger is unpickled, evaluated or run, and no XML may expand: the source is read for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    p for top in ("flows", "tasks", "veritile", "benchmarks") for p in (ROOT / top).rglob("*.py")
)

FORBIDDEN = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "dill.load",
    "dill.loads", "joblib.load", "shelve.open", "marshal.load", "marshal.loads", "pd.read_pickle",
    "pandas.read_pickle", "eval", "exec", "compile", "os.system", "os.popen", "yaml.unsafe_load",
    "yaml.full_load", "yaml.load_all", "torch.jit.load", "torch.hub.load", "ET.parse", "ET.fromstring",
    "ET.XML", "ET.iterparse", "minidom.parse", "minidom.parseString", "sax.parse", "etree.parse",
    "etree.fromstring", "shutil.unpack_archive", "tarfile.open",
    "urllib.request.urlopen",
}  # fmt: skip

OWN_SPILL = "what the same process wrote into a file that no other may open"
ALLOWED = {
    ("tasks/reporting/review/scores.py", "pickle.loads"): OWN_SPILL,
    ("tasks/evaluation/units.py", "pickle.loads"): OWN_SPILL,
    ("tasks/slides/asap.py", "ET.fromstring"): "a document type is refused before, so nothing expands",
    ("tasks/artifacts/strict_yaml.py", "yaml.load"): "a loader made from the safe one",
    ("tasks/scoring/bags/job.py", "torch.jit.load"): "where the job says that the file is trusted",
    ("flows/doctor/reachable.py", "urllib.request.urlopen"): "the servers that the user named",
    ("flows/showing/address.py", "urllib.request.urlopen"): "the Prefect server that the user named",
}  # fmt: skip
"""By file and call: why it may stand there."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def said(node: ast.Call, name: str) -> object:
    value = next((each.value for each in node.keywords if each.arg == name), None)
    return value.value if isinstance(value, ast.Constant) else value


def named(path: Path) -> Iterator[str]:
    """Yield what is forbidden, also where it is only named and called by another name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in FORBIDDEN:
            yield ast.unparse(node)


def dangers(path: Path) -> Iterator[str]:
    yield from named(path)
    for name, node in calls(path):
        if name in FORBIDDEN or name.endswith((".extractall", ".extract_all")):
            yield name
        if name in ("yaml.load",):
            yield name
        if name == "torch.load" and said(node, "weights_only") is not True:
            yield "torch.load without weights_only=True"
        if name.endswith("load") and said(node, "allow_pickle") not in (None, False):
            yield f"{name} with allow_pickle"
        if said(node, "shell") not in (None, False):
            yield f"{name} with shell"


def test_nothing_that_runs_code_is_called_but_where_it_is_allowed():
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in SOURCES
        for name in dangers(path)
        if path.parts[-2] != "services"  # asks our own servers on loopback, as flows/servers.py does
    }
    assert found - set(ALLOWED) == set()


def test_the_list_of_what_is_allowed_is_no_longer_than_needed():
    found = {(path.relative_to(ROOT).as_posix(), name) for path in SOURCES for name in dangers(path)}
    assert set(ALLOWED) - found == set()


@pytest.mark.parametrize(
    "text",
    [
        "pickle.loads(x)", "torch.load(p)", "torch.load(p, weights_only=False)",
        "np.load(p, allow_pickle=True)",
        "subprocess.run(x, shell=True)", "eval(x)", "archive.extractall(x)", "yaml.load(x, Loader)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    assert list(dangers(tmp_path / "a.py"))
