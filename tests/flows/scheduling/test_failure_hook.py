"""A failed run calls what was named, and nothing else; a call that goes wrong is a sentence."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows.scheduling.failure_hook import FailureHook
from tasks.study.errors import UsageError
from tests._support.ports import free_port

REPORT = {"study": "tiny", "state": "Failed", "sentence": "it's $HOME; broken", "run_id": "1"}


@pytest.fixture
def script(tmp_path):
    """Write a program that is run without a shell, and return its path."""

    def write(body):
        path = tmp_path / "a program"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@contextmanager
def webhook(status=200, headers=()):
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/told", heard
        finally:
            server.shutdown()
            thread.join()


def test_a_command_reads_the_report_and_its_words_reach_it_as_they_are(script, tmp_path):
    program = script('printf "%s\\n" "$@" > "${0%/*}/words"; cat > "${0%/*}/report"')
    hook = FailureHook.read(f"'{program}' '$HOME' 'two words' ';'", None, None)
    assert hook.call(REPORT) == []
    assert (tmp_path / "words").read_text().splitlines() == ["$HOME", "two words", ";"]
    assert json.loads((tmp_path / "report").read_text()) == REPORT


def test_a_command_that_fails_is_told(script):
    program = script("cat > /dev/null; echo no mail today >&2; exit 3")
    told = FailureHook.read(f"'{program}'", None, None).call(REPORT)
    assert told == ["the command a program ended with code 3: no mail today"]


def test_a_command_that_has_gone_is_told(script):
    program = script("exit 0")
    hook = FailureHook.read(f"'{program}'", None, None)
    program.unlink()
    assert hook.call(REPORT) == ["the command a program could not be run: No such file or directory"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("no_such_program --now", "there is no program 'no_such_program'"),
        ("'half", "cannot be read: No closing quotation"),
        ("  ", "names no program"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_at_once(command, sentence):
    with pytest.raises(UsageError, match=sentence):
        FailureHook.read(command, None, None)


def test_a_webhook_on_this_machine_is_told():
    with webhook() as (url, heard):
        assert FailureHook.read(None, url, None).call(REPORT) == []
    assert heard == [("/told", REPORT)]


def test_no_proxy_stands_before_this_machine(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with webhook() as (url, heard):
        assert FailureHook.read(None, url, None).call(REPORT) == []
    assert heard


def test_a_redirect_is_not_followed():
    with webhook() as (other, heard), webhook(302, [("Location", other)]) as (url, _):
        assert FailureHook.read(None, url, None).call(REPORT) == ["the webhook on 127.0.0.1 answered 302"]
    assert heard == []


def test_a_webhook_that_is_away_is_told():
    url = f"http://127.0.0.1:{free_port()}/secret-token"
    (told,) = FailureHook.read(None, url, None).call(REPORT)
    assert told.startswith("the webhook on 127.0.0.1 could not be called")
    assert "secret-token" not in told


@pytest.mark.parametrize(
    ("url", "host", "sentence"),
    [
        ("https://alerts.example.org/x", None, "name that host with --allow-host alerts.example.org"),
        ("https://alerts.example.org/x", "example.org", "not on this machine"),
        ("https://localhost.example.org/x", None, "not on this machine"),
        ("http://127.0.0.1@alerts.example.org/x", None, "user name or password"),
        ("https://me:secret@localhost/x", None, "user name or password"),
        ("file:///etc/passwd", None, "must be an http or https address, got 'file'"),
        ("alerts", None, "must be an http or https address"),
        (None, "alerts.example.org", "give both"),
    ],
)
def test_other_addresses_are_refused(url, host, sentence):
    with pytest.raises(UsageError, match=sentence):
        FailureHook.read(None, url, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
def test_this_machine_needs_no_permission(host):
    assert FailureHook.read(None, f"http://{host}:8080/x", None).url


def test_a_named_host_may_be_told_and_its_secret_is_not_shown():
    hook = FailureHook.read(None, "https://alerts.example.org/services/secret", "alerts.example.org")
    assert hook.words == "a webhook on alerts.example.org"


def test_an_empty_hook_calls_nothing():
    assert FailureHook().words == ""
    assert FailureHook().call(REPORT) == []
