"""The servers that we start, asked by strangers."""

import http.client

import pytest

from flows.servers import mlflow_server, prefect_server
from tests._support.ports import free_port

pytestmark = pytest.mark.soak


def asked(port, path, **headers):
    """Return the status and headers of the answer to a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest("GET", path, skip_host="Host" in named)
    for name, value in named.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_prefect_answers_no_strange_host(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", "*")
    port = free_port()
    with prefect_server(tmp_path, port):
        assert asked(port, "/api/health")[0] == 200
        assert asked(port, "/api/health", Host="evil.example")[0] == 403
        assert asked(port, "/api/health", Origin="https://evil.example")[0] == 403
        own = asked(port, "/api/health", Origin=f"http://127.0.0.1:{port}")
        assert own[0] == 200
        assert own[1].get("access-control-allow-origin") != "*"


def test_mlflow_answers_no_strange_host(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "*")
    port, path = free_port(), "/api/2.0/mlflow/experiments/search?max_results=1"
    with mlflow_server(tmp_path, port):
        assert asked(port, path)[0] == 200
        assert asked(port, path, Host="evil.example")[0] == 403
        assert "*" not in asked(port, path)[1].get("access-control-allow-origin", "")
