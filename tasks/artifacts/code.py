"""The code that an artifact depends on: the syntax trees of the modules that its stage reaches by import.

A comment, a docstring or a reformatting changes no hash; a changed line changes the hash of its module
and hence of every part that reaches it. Plug-ins are reached by name, not by import, so a stage names the
plug-in modules that its recipe uses and no other plug-in counts.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

OURS = "tasks"
TRANSPORT = ("tasks.artifacts.backends", "tasks.slides.mirror")
"""Modules that bring bytes from elsewhere and check that they are the same: they change no number."""


def code_of(modules: Iterable[str]) -> dict[str, str]:
    """Return {module: 16 hex digits} for ``modules`` and all of ours that they reach by import."""
    reached: dict[str, str] = {}
    waiting = sorted(set(modules))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name], imports = _read(name)
            waiting.extend(imports)
    return dict(sorted(reached.items()))


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a module's tree and the modules of ours that it imports."""
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    imports = _imports(nodes)
    _drop_docstrings(nodes)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16], tuple(sorted(imports))


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no source found for module {module!r}")
    return Path(spec.origin)


def _drop_docstrings(nodes: Iterable[ast.AST]) -> None:
    for node in nodes:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_bare_string(s)]  # type: ignore[attr-defined]


def _is_bare_string(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def _imports(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if _is_our_module(name)}


@cache
def _is_our_module(name: str) -> bool:
    if name != OURS and not name.startswith(f"{OURS}."):
        return False
    if any(name == each or name.startswith(f"{each}.") for each in TRANSPORT):
        return False
    parent = name.rpartition(".")[0]
    if parent and parent != OURS and not _is_package(parent):
        return False
    return importlib.util.find_spec(name) is not None


def _is_package(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None
