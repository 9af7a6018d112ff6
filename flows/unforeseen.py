"""What is told of an error that nobody foresaw: one sentence, and the file that holds the traceback."""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tasks.artifacts.redacted import redacted
from tasks.artifacts.sentence import shortened
from tasks.artifacts.storage_errors import chain_of, has_no_room, storage_sentence, temporary_folder

_DEFAULT_HOME = ".veritile"


def sentence_of(error: BaseException, words: Sequence[str]) -> str:
    """Return what is told of ``error``, and write its traceback where only the user can read it.

    Args:
        error: what was raised.
        words: the command line, which names the home.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]  # a group of one says nothing of its own
    home = home_of(words)
    foreseen = _foreseen(error) or storage_sentence(error, f"what `{_command(words)}` makes", home)
    if foreseen is not None:
        return redacted(foreseen)
    told = shortened(redacted(" ".join(str(error).split()))) or "no message"
    if has_no_room(home):
        told = f"{told}; the disk of {home} is full"
    path = write_traceback(error, words)
    where = "--debug shows where" if path is None else f"{path} holds the traceback"
    return f"{type(error).__name__}: {told} ({where})"


def _foreseen(error: BaseException) -> str | None:
    """Return the sentence of a failed run behind ``error``.

    Another one may hide it: a server that keeps no more, as its disk is full too, cannot be told of it.
    """
    from flows.exit_codes import FAILURES  # much is imported with it, and errors are rare

    return next((str(each) for each in chain_of(error) if isinstance(each, FAILURES)), None)


def write_traceback(error: BaseException, words: Sequence[str]) -> Path | None:
    """Write the traceback below the home, or among temporary files; None where neither can be written."""
    name = f"unforeseen_{time.strftime('%Y%m%dT%H%M%S')}_{os.getpid()}.log"
    text = redacted(
        f"{' '.join(words)}\nPython {sys.version}\n\n{''.join(traceback.format_exception(error))}"
    )
    home = home_of(words)
    folders = [*([home / "logs"] if home.is_dir() else []), temporary_folder()]
    for folder in folders:
        path = folder / name
        made = False
        try:
            folder.mkdir(exist_ok=True)
            # The text may quote an input, so others on this machine may not read it.
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            made = True
            with os.fdopen(target, "w", encoding="utf-8") as log:
                log.write(text)
        except OSError:
            if made:  # on a full disk, the beginning of it
                path.unlink(missing_ok=True)
            continue
        return path
    return None


def _command(words: Sequence[str]) -> str:
    return " ".join(["veritile", *(word for word in words[1:2] if not word.startswith("-"))])


def home_of(words: Sequence[str]) -> Path:
    """Return the home that a command line names, or the default one."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--home":
            return Path(following)
        if word.startswith("--home="):
            return Path(word.partition("=")[2])
    return Path(_DEFAULT_HOME)
