"""Help says all that it means to say."""

import typer

from flows.cli import app


def commands(group):
    for command in group.commands.values():
        yield command
        if hasattr(command, "commands"):
            yield from commands(command)


def test_no_help_holds_what_rich_takes_for_markup():
    """Words in square brackets are a style to rich, and are not printed."""
    texts = [
        (command.name, param.help or "")
        for command in commands(typer.main.get_command(app))
        for param in command.params
    ]
    assert len(texts) > 50
    assert not [told for told in texts if "[" in told[1]]
    assert ("run", "Folder the manifest's paths start from (default: its own).") in texts
