"""MLflow is asked before any work: every way in which it cannot be used is one sentence, told soon."""

import json
import sqlite3
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import create_server

import pytest

from tasks.tracking.ask import ask
from tasks.tracking.database import local_database
from tasks.tracking.errors import TrackingError
from tests._support.ports import free_port


@contextmanager
def server(answers):
    """Serve ``{path: (code, type, text)}``; all else is not found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            code, kind, text = answers.get(self.path.partition("?")[0], (404, "text/html", "<html>"))
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


SEARCH = "/api/2.0/mlflow/experiments/search"
GOOD = (200, "application/json", json.dumps({"experiments": []}))


def test_a_server_that_answers_is_accepted(tmp_path):
    with server({SEARCH: GOOD, "/version": (200, "text/plain", "3.17.2")}) as uri:
        ask(tmp_path, uri)
    with server({SEARCH: GOOD}) as uri:
        ask(tmp_path, uri)
    assert list(tmp_path.iterdir()) == [], "a home of its own is not needed"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, r"is no MLflow server, or one in trouble \(code 404\)"),
        ({SEARCH: (200, "text/html", "<html>")}, "is no MLflow server"),
        ({SEARCH: (500, "application/json", "{}")}, r"one in trouble \(code 500\)"),
        ({SEARCH: (401, "text/plain", "no")}, "refuses the credentials .*MLFLOW_TRACKING_USERNAME"),
        ({SEARCH: GOOD, "/version": (200, "text/plain", "2.9.1")}, r"is version 2\.9\.1; 3\.0 or later"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused(answers, said, tmp_path):
    with server(answers) as uri, pytest.raises(TrackingError, match=said):
        ask(tmp_path, uri)


def test_a_server_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrackingError, match="nothing listens there"):
        ask(tmp_path, f"http://127.0.0.1:{free_port()}")


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for(tmp_path):
    with create_server(("127.0.0.1", 0)) as silent, pytest.raises(TrackingError, match="no answer in time"):
        ask(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", patience_s=0.2)


def test_a_database_server_that_is_not_there_is_refused(tmp_path):
    port = free_port()
    said = rf"^MLflow at postgresql://127\.0\.0\.1:{port}/mlflow .*nothing listens"
    with pytest.raises(TrackingError, match=said):
        ask(tmp_path, f"postgresql://user@127.0.0.1:{port}/mlflow")


def test_the_database_of_a_home_is_accepted_and_a_later_one_is_not(make_home, tmp_path):
    home = make_home(tmp_path / "home")
    ask(home, None)
    with closing(sqlite3.connect(local_database(home))) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        database.commit()
    with pytest.raises(TrackingError, match="later MLflow than the one installed here"):
        ask(home, None)
    with pytest.raises(TrackingError, match=r"has the schema ffffffffffff, .* `mlflow db upgrade`"):
        ask(tmp_path / "another", f"sqlite:///{local_database(home)}")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = local_database(tmp_path)
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(TrackingError, match=r"mlflow\.db cannot be used: it is not a database"):
        ask(tmp_path, None)


def test_a_database_that_another_process_holds_is_not_waited_for(make_home, tmp_path):
    home = make_home(tmp_path / "home")
    with closing(sqlite3.connect(local_database(home))) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingError, match="another process holds its lock"):
            ask(home, None, patience_s=0.1)
