"""StudyConfig: the sections of the stages, put together; one YAML file is one frozen model."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ValidationError, create_model, model_validator

from flows.config_errors import sentences
from flows.engine.stages import all_stages
from flows.yaml_files import mapping_in, read_content
from tasks.artifacts.redacted import holds_secret
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


def refuse_secrets(data: Any, where: str = "") -> None:
    """Refuse a password in a study or job file, as what it says is recorded, and texts that name nothing.

    Raises:
        ValueError: naming the key, not what it holds.
    """
    if isinstance(data, str) and "\0" in data:
        raise ValueError(f"{where or 'the file'} holds a null character, which no name has")
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
    return read_study(path)[0]


def read_study(path: Path) -> tuple[StudyConfig, str]:
    """Read a study file as ``load_study`` does, and return the sha256 of the bytes that were read with it.

    Raises:
        ConfigError: with every problem of the file at once.
    """
    content = read_content(path)
    data = mapping_in(path, content)
    try:
        config = StudyConfig.model_validate(data)
    except ValidationError as error:
        told = sentences(error, data, StudyConfig)
        raise ConfigError("\n".join(f"{path.name}: {sentence}" for sentence in told)) from None
    return _with_paths_from(config, path.parent), hashlib.sha256(content).hexdigest()


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
