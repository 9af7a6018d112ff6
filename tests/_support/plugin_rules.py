"""What holds for a plug-in of any family."""

import pytest

from tasks.plugins import Plugin


def assert_is_its_own_configuration(plugin: Plugin) -> None:
    """Assert that a plug-in survives JSON, bears its own name as id and cannot be changed."""
    assert type(plugin).model_validate_json(plugin.model_dump_json()) == plugin
    assert plugin.name == plugin.id
    with pytest.raises(ValueError, match="frozen"):
        plugin.id = "other"  # type: ignore[misc]  # that it cannot is what is tested
