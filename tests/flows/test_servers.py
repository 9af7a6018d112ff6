"""The UIs answer on loopback alone, and end with the command that started them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flows.servers import mlflow_server
from tasks.study.errors import UsageError
from tests._support.ports import free_port

pytestmark = pytest.mark.slow

VERITILE = str(Path(sys.executable).with_name("veritile"))


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_both_uis_come_up_and_a_supervisors_signal_ends_them(tmp_path):
    ports = free_port(), free_port()
    words = [VERITILE, "ui", "--home", str(tmp_path / "home")]
    words += ["--mlflow-port", str(ports[0]), "--prefect-port", str(ports[1])]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=clean) as ui:
        # A UI that never comes up must fail this test, not hang it.
        watchdog = threading.Timer(240, ui.kill)
        watchdog.start()
        told = [next(ui.stdout, "") for _ in range(3)]
        watchdog.cancel()
        assert f"http://127.0.0.1:{ports[0]}" in told[0]
        assert f"http://127.0.0.1:{ports[1]}" in told[1]
        assert all(listens(port) for port in ports)
        ui.send_signal(signal.SIGTERM)
        assert ui.wait(60) == 0
    deadline = time.monotonic() + 20
    while any(listens(port) for port in ports):
        assert time.monotonic() < deadline, "a server outlived the command that started it"
        time.sleep(0.2)


def test_a_taken_port_is_refused_with_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"port {port} for mlflow is taken"),
            mlflow_server(tmp_path, port),
        ):
            pass
