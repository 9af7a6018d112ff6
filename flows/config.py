"""StudyConfig: the sections of the stages, put together; one YAML file is one frozen model."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from pydantic import BaseModel, ValidationError, create_model, model_validator

from flows.config_errors import sentences
from flows.engine.stages import all_stages
from tasks.embed import EmbedSection
from tasks.study.config import Section, StudyBase
from tasks.study.errors import ConfigError

if TYPE_CHECKING:
    StudyConfig = StudyBase
else:

    class _Checked(StudyBase):
        """A study whose sections agree with one another."""

        @model_validator(mode="before")
        @classmethod
        def _defaults_of_the_level(cls, data: Any) -> Any:
            if not isinstance(data, Mapping):
                return data
            level = str(data.get("level", "tile"))
            sections = {
                stage.name: stage.section.at_level(data[stage.name], level)
                for stage in all_stages()
                if stage.name in data and stage.section is not None and issubclass(stage.section, Section)
            }
            return {**data, **sections}

        @model_validator(mode="after")
        def _sections_agree(self) -> Self:
            for stage in all_stages():
                stage.check(self)
            stages = [stage.name for stage in all_stages()]
            for name in self.resources.timeout_minutes:
                if name not in stages:
                    raise ValueError(
                        f"resources.timeout_minutes names no stage {name!r}; there are: {', '.join(stages)}"
                    )
            return self

    def _field(section: type[BaseModel]) -> tuple[type[BaseModel], Any]:
        required = any(field.is_required() for field in section.model_fields.values())
        return section, ... if required else section()

    StudyConfig = create_model(
        "StudyConfig",
        __base__=_Checked,
        __module__=__name__,
        __doc__="A whole study: keys of its own and a section per stage.",
        **{stage.name: _field(stage.section) for stage in all_stages() if stage.section is not None},
    )


def load_study(path: Path) -> StudyConfig:
    """Read a study file. Its manifest and files of weights come back as absolute paths.

    Raises:
        ConfigError: with every problem of the file at once.
    """
    data = read_yaml(path)
    try:
        config = StudyConfig.model_validate(data)
    except ValidationError as error:
        told = sentences(error, data, StudyConfig)
        raise ConfigError("\n".join(f"{path.name}: {sentence}" for sentence in told)) from None
    return _with_paths_from(config, path.parent)


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, which also refuses a key that is written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} is written twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, read by the safe loader.

    Raises:
        ConfigError: the file is absent, is no YAML, or holds no mapping.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a file")
    if not path.is_file():
        raise ConfigError(f"no study file at {path}")
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506  # a safe loader
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold a mapping of keys, got {type(data).__name__}")
    return data


def _with_paths_from(config: StudyConfig, folder: Path) -> StudyConfig:
    """Return the study with its manifest and weights found from the folder of its file."""
    data = config.model_dump(mode="json")
    data["manifest"] = str((folder / config.manifest).resolve())
    network = data["train"]["recipe"].get("network")
    if network is not None and network["init"] is not None:
        network["init"] = str((folder / network["init"]).resolve())
    _locate_cluster(data["resources"]["cluster"] or {}, folder)
    data["embed"]["encoder"] = config.section(EmbedSection).encoder.located(folder).model_dump(mode="json")
    return StudyConfig.model_validate(data)


def _locate_cluster(cluster: dict[str, Any], folder: Path) -> None:
    """Make the files of a cluster absolute."""
    for block, names in ((cluster, ("scheduler_file",)), (cluster.get("tls") or {}, ("ca", "cert", "key"))):
        for name in names:
            if block.get(name):
                block[name] = str((folder / block[name]).resolve())
