import sys

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from tasks import plugins
from tasks.plugins import Plugin, available, modules_of, plugin_class, plugin_type, recipe_of

BASE = """
from typing import ClassVar
from tasks.plugins import Plugin

class Shape(Plugin):
    package: ClassVar[str] = "shapes"
"""
CIRCLE = """
from shapes.base import Shape

class Circle(Shape):
    \"\"\"Round.\"\"\"
    radius: float = 1.0
"""
FRAME = """
from shapes.base import Shape
from tasks.plugins import plugin_type

class Frame(Shape):
    \"\"\"Holds another.\"\"\"
    inner: plugin_type(Shape) = {"name": "circle"}
"""


@pytest.fixture
def shape(tmp_path, monkeypatch):
    folder = tmp_path / "shapes"
    folder.mkdir()
    for name, text in {"__init__": "", "base": BASE, "circle": CIRCLE, "frame": FRAME, "_aid": ""}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.plugin_class.cache_clear()
    import shapes.base

    yield shapes.base.Shape
    for name in [n for n in sys.modules if n.split(".")[0] == "shapes"]:
        del sys.modules[name]


def test_the_folder_is_the_registry(shape):
    assert available("shapes") == ("circle", "frame")


def test_name_and_id_come_from_the_file(shape):
    circle = plugin_class("shapes", "circle")()
    assert (circle.name, circle.id) == ("circle", "circle")


def test_a_new_file_is_a_new_plugin(shape, tmp_path):
    (tmp_path / "shapes" / "square.py").write_text(CIRCLE.replace("Circle", "Square"))
    plugin = TypeAdapter(plugin_type(shape)).validate_python({"name": "square", "id": "s", "radius": 2})
    assert type(plugin).__name__ == "Square"
    assert plugin.model_dump() == {"name": "square", "id": "s", "radius": 2.0}


def test_json_round_trip_keeps_the_subclass_fields(shape):
    class Config(BaseModel):
        shapes: tuple[plugin_type(shape), ...]

    config = Config(shapes=("circle", {"name": "frame", "inner": {"name": "circle", "radius": 3}}))
    again = Config.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.shapes[1].inner.radius == 3


def test_an_unknown_name_is_answered_with_the_nearest(shape):
    with pytest.raises(ValidationError, match=r"no 'cirle' among the shapes \(did you mean 'circle'\?\)"):
        TypeAdapter(plugin_type(shape)).validate_python({"name": "cirle"})


def test_an_unknown_field_is_refused_at_its_place(shape):
    class Config(BaseModel):
        shapes: tuple[plugin_type(shape), ...]

    with pytest.raises(ValidationError) as caught:
        Config(shapes=({"name": "circle", "radus": 1},))
    assert caught.value.errors()[0]["loc"] == ("shapes", 0, "radus")
    assert caught.value.errors()[0]["type"] == "extra_forbidden"


def test_two_plugins_in_a_file_are_its_authors_mistake(shape, tmp_path):
    (tmp_path / "shapes" / "twins.py").write_text(CIRCLE + CIRCLE.replace("Circle", "Other"))
    with pytest.raises(TypeError, match="defines 2 plug-ins"):
        plugin_class("shapes", "twins")


def test_an_id_must_be_a_path_segment(shape):
    with pytest.raises(ValidationError, match="letters, digits"):
        plugin_class("shapes", "circle")(id="../x")


def test_ids_leave_the_recipe_and_modules_are_found_in_depth(shape):
    frame = plugin_class("shapes", "frame")(id="f")
    assert recipe_of(frame) == {"name": "frame", "inner": {"name": "circle", "radius": 1.0}}
    assert modules_of(frame) == ("shapes.circle", "shapes.frame")


def test_plugins_are_frozen(shape):
    with pytest.raises(ValidationError, match="frozen"):
        plugin_class("shapes", "circle")().radius = 2


def test_the_schema_lists_the_family(shape):
    schema = TypeAdapter(plugin_type(shape)).json_schema()
    assert schema["properties"]["name"]["enum"] == ["circle", "frame"]
    assert issubclass(shape, Plugin)
