"""A port that cannot be had is refused before anything starts, and its holder is named."""

import os
import socket

import pytest

from flows.services.ports import holder_of, refuse_taken
from tasks.study.errors import UsageError
from tests._support.ports import free_port
from tests._support.services import small_program


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_names_who_has_it(tmp_path, taken):
    told = rf"port {taken} for Mlflow is taken on 127.0.0.1 by pid {os.getpid()} of .*--mlflow-port"
    with pytest.raises(UsageError, match=told):
        refuse_taken([small_program(tmp_path, "mlflow", port=taken)])


def test_a_port_that_is_bound_by_one_that_does_not_listen_is_taken_too(tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        with pytest.raises(UsageError, match="a process that the system does not name"):
            refuse_taken([small_program(tmp_path, "mlflow", port=port)])


def test_one_of_another_user_is_said_without_a_name(monkeypatch, taken):
    import psutil

    other = [each._replace(pid=None) for each in psutil.net_connections("tcp")]
    monkeypatch.setattr(psutil, "net_connections", lambda kind: other)
    assert holder_of(taken) == "a process of another user"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port(tmp_path, port):
    with pytest.raises(UsageError, match="is no port; a port is a number from 1 to 65535"):
        refuse_taken([small_program(tmp_path, "mlflow", port=port)])


def test_one_port_for_two(tmp_path):
    port = free_port()
    programs = [small_program(tmp_path, name, port=port) for name in ("mlflow", "prefect")]
    with pytest.raises(UsageError, match=f"--prefect-port and --mlflow-port are both {port}"):
        refuse_taken(programs)


def test_free_ports_and_programs_without_one_pass(tmp_path):
    refuse_taken([small_program(tmp_path, "mlflow", port=free_port()), small_program(tmp_path, "worker")])
