"""YAML of strangers: the safe loader, which refuses a key written twice and what would expand without end."""

from collections.abc import Hashable
from typing import Any

import yaml

MOST_VALUES = 100_000
"""Values that a file may hold after its aliases are written out; a study has some hundred."""


class StrictYamlError(ValueError):
    """A text that is no YAML, or none that is read here; the message is half a sentence."""


class _StrictLoader(yaml.SafeLoader):
    """The safe loader; keys are words, each written once, and aliases may not multiply."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _expanded(node, {}, set())
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} is written twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def strict_yaml(text: str) -> Any:
    """Return what a YAML text holds.

    Raises:
        StrictYamlError: it is no YAML, holds a value that does not exist, is nested too deep, writes a key
            twice, or its aliases would make more than ``MOST_VALUES`` values.
    """
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506  # a safe loader
    except yaml.YAMLError as error:
        raise StrictYamlError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise StrictYamlError("it is nested too deep") from error
    except (ValueError, OverflowError) as error:  # such as the 99th of May
        raise StrictYamlError(f"it holds a value that does not exist: {error}") from error


def _expanded(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """Return how many values a node stands for, its aliases written out.

    Raises:
        yaml.MarkedYAMLError: it holds itself, or too many.
    """
    if id(node) in known:
        return known[id(node)]
    if id(node) in above:
        raise yaml.MarkedYAMLError(problem="an alias holds itself", problem_mark=node.start_mark)
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        inner = node.value
    elif isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    count = 1 + sum(_expanded(each, known, above | {id(node)}) for each in inner)
    if count > MOST_VALUES:
        raise yaml.MarkedYAMLError(
            problem=f"its aliases stand for more than {MOST_VALUES:,} values", problem_mark=node.start_mark
        )
    known[id(node)] = count
    return count
