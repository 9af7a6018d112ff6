"""Read the mapping in a YAML file, with one sentence for what is wrong with it."""

from pathlib import Path
from typing import Any

from tasks.artifacts.strict_yaml import StrictYamlError, strict_yaml
from tasks.study.errors import ConfigError


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, read by the safe loader.

    Raises:
        ConfigError: the file is absent, is no YAML, or holds no mapping.
    """
    return mapping_in(path, read_content(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of a study file.

    Raises:
        ConfigError: it is absent or cannot be read.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"no study file at {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def mapping_in(path: Path, content: bytes) -> dict[str, Any]:
    """Return the mapping that the bytes of a file hold.

    Raises:
        ConfigError: they are no YAML, or hold no mapping.
    """
    try:
        data = strict_yaml(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error
    except StrictYamlError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold a mapping of keys, got {type(data).__name__}")
    return data
