"""StudyConfig: the sections of the stages, put together; one YAML file is one frozen model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ValidationError, create_model, model_validator

from flows.config_errors import sentences
from flows.engine.stages import all_stages
from tasks.artifacts.redacted import holds_secret
from tasks.artifacts.strict_yaml import StrictYamlError, strict_yaml
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

        @model_validator(mode="before")
        @classmethod
        def _holds_no_password(cls, data: Any) -> Any:
            refuse_secrets(data)
            return data

        @model_validator(mode="after")
        def _sections_agree(self) -> Self:
            for stage in all_stages():
                stage.check(self)
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


def refuse_secrets(data: Any, where: str = "") -> None:
    """Refuse a password in a study or job file: what it says is recorded.

    Raises:
        ValueError: naming the key, not what it holds.
    """
    if isinstance(data, str) and holds_secret(data):
        raise ValueError(
            f"{where or 'the file'} holds a password or a token, and what a file says is recorded; give it "
            "by the environment, such as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    if isinstance(data, Mapping):
        for key, value in data.items():
            refuse_secrets(value, f"{where}.{key}".removeprefix("."))
    elif isinstance(data, list | tuple):
        for value in data:
            refuse_secrets(value, where)


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
        data = strict_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error
    except StrictYamlError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
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
    data["embed"]["encoder"] = config.section(EmbedSection).encoder.located(folder).model_dump(mode="json")
    return StudyConfig.model_validate(data)
