"""What a worker says is said again by the run: progress added up, lines with the worker's name."""

import logging

from flows.engine.cluster import said
from flows.engine.cluster.said import forwarded, say_again
from flows.engine.events import Advanced, BuildStarted, emit, listening


def test_progress_is_added_up_and_lines_keep_their_level(monkeypatch, caplog):
    now, sent, heard = [0.0], [], []
    monkeypatch.setattr(said.time, "monotonic", lambda: now[0])
    log = logging.getLogger("veritile.train")
    with forwarded(sent.append, "worker 2", logging.INFO):
        for _ in range(100):
            emit(Advanced("train/a", 2))
        emit(BuildStarted("train", "train/a", 1))
        now[0] += 1
        emit(Advanced("train/a", 2))
        log.warning("epoch %d", 3)
        log.debug("not sent")
        emit(Advanced("train/b", 5))
    assert sent[0] == {"advanced": {"train/a": 202}}
    assert sent[-1] == {"advanced": {"train/b": 5}}
    assert len(sent) == 3
    caplog.clear()
    with listening(heard.append), caplog.at_level(logging.INFO, "veritile"):
        for each in sent:
            say_again(each)
    assert heard == [Advanced("train/a", 202), Advanced("train/b", 5)]
    (line,) = caplog.records
    assert (line.name, line.levelname, line.getMessage()) == (
        "veritile.train",
        "WARNING",
        "worker 2: epoch 3",
    )
