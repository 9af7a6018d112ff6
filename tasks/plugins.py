"""Plug-ins are found by their file name: one file, one class, no registry."""

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializeAsAny,
    WithJsonSchema,
    model_validator,
)

NOT_PLUGINS = frozenset({"base"})


class Plugin(BaseModel):
    """A frozen model whose fields are its hyper-parameters.

    ``name`` is the file name; ``id`` names one use of it in a study and changes no number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    package: ClassVar[str]
    """The folder that holds the plug-ins of this family, as a dotted name."""

    source: ClassVar[str] = ""
    """The source of the method: authors, year, identifier, and what is reconstructed."""

    name: str = ""
    id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_from_file(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        own = cls.__module__.rpartition(".")[2]
        name = data.get("name") or own
        if name != own:
            raise ValueError(f"name {name!r} was given to the plug-in {own!r}")
        return {**data, "name": name, "id": data.get("id") or name}

    @model_validator(mode="after")
    def _id_is_a_path_segment(self) -> Self:
        if not self.id.replace("_", "").replace("-", "").isalnum():
            raise ValueError(f"id {self.id!r} may hold letters, digits, '_' and '-' only")
        return self


def available(package: str) -> tuple[str, ...]:
    """Return the names of the plug-ins in ``package``, sorted; only the folder is imported."""
    folder = importlib.import_module(package)
    names = (module.name for module in pkgutil.iter_modules(folder.__path__))
    return tuple(sorted(n for n in names if not n.startswith("_") and n not in NOT_PLUGINS))


@cache
def plugin_class(package: str, name: str) -> type[Plugin]:
    """Import the one plug-in class that ``package/name.py`` defines.

    Raises:
        ValueError: there is no such file; the message names the nearest one and all that exist.
        TypeError: the file defines none or several plug-ins (an error of its author).
    """
    names = available(package)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        family = package.rpartition(".")[2]
        raise ValueError(f"no {name!r} among the {family}{hint}; there are: {', '.join(names)}")
    module = importlib.import_module(f"{package}.{name}")
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Plugin) and item.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} defines {len(classes)} plug-ins; a plug-in file defines one")
    return classes[0]


def _resolve(package: str, data: Any) -> Any:
    if isinstance(data, str):
        data = {"name": data}
    if not isinstance(data, Mapping):
        return data
    if not isinstance(data.get("name"), str):
        raise ValueError(f"needs a 'name'; there are: {', '.join(available(package))}")
    return plugin_class(package, data["name"]).model_validate(dict(data))


def plugin_type(base: type[Plugin]) -> Any:
    """Return the annotated type of a config field that holds any plug-in of ``base``'s family.

    A field typed by the base alone gives a JSON schema without the subclass's fields, and Prefect's
    validation of deployments then refuses correct studies; so the schema is stated here.
    """
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(available(base.package))},
            "id": {"type": "string"},
        },
    }
    return Annotated[
        SerializeAsAny[base],  # type: ignore[misc, valid-type]  # the family is known at run time only
        BeforeValidator(lambda data: _resolve(base.package, data)),
        WithJsonSchema(schema),
    ]


def modules_of(plugin: Plugin) -> tuple[str, ...]:
    """Return the modules that ``plugin`` and the plug-ins it holds come from, sorted."""
    own = {type(plugin).__module__}
    held = (getattr(plugin, field) for field in type(plugin).model_fields)
    return tuple(sorted(own.union(*(modules_of(item) for item in held if isinstance(item, Plugin)))))


def recipe_of(value: Any) -> Any:
    """Return the plain JSON form of a model or plug-in without ids, which change no number."""
    if isinstance(value, BaseModel):
        return recipe_of(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {key: recipe_of(item) for key, item in value.items() if key != "id"}
    if isinstance(value, list | tuple):
        return [recipe_of(item) for item in value]
    return value
