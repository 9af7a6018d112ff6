"""As much of a Prefect server as a flow run needs. It starts at once and keeps everything in memory."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import prefect


class FakePrefect(ThreadingHTTPServer):
    """``runs`` and ``parts`` hold what a server would, by id."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs, self.parts, self.asked = {}, {}, []
        self.url = f"http://127.0.0.1:{self.server_port}/api"

    def handle_error(self, request, client_address):
        """Nothing: a client may leave before it has its answer."""

    def add_run(self, state, *tags):
        return self._add(self.runs, state, flow_id=str(uuid4()), tags=list(tags), name="a-run")

    def add_part(self, state, run):
        names = {"task_key": "a", "dynamic_key": "0", "name": "a-part"}
        return self._add(self.parts, state, flow_run_id=run, **names)

    def _add(self, kept, state, **fields):
        found = {"id": str(uuid4()), "created": _now(), **fields}
        kept[found["id"]] = {**found, "state": state_of(state)}
        return found["id"]

    def state(self, run):
        return self.runs[str(run)]["state"]

    def found(self, kept, wanted):
        types = wanted["state"]["type"]["any_"]
        return [each for each in kept.values() if each["state"]["type"] in types]


def state_of(kind, message=None):
    named = {"id": str(uuid4()), "type": kind, "name": kind.capitalize(), "message": message}
    return {**named, "timestamp": _now(), "state_details": {}}


def _now():
    return datetime.now(UTC).isoformat()


@contextmanager
def fake_prefect():
    with FakePrefect() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        match self._path():
            case ["health"]:
                self._answer(True)
            case ["admin", "version"]:
                self._answer(prefect.__version__)
            case ["flow_runs", run]:
                self._answer(self.server.runs[run])
            case _:
                self._answer({"detail": "not here"}, 404)

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size) or "{}")
        server = self.server
        match self._path():
            case ["flows", ""]:
                self._answer({"id": str(uuid4()), "name": body["name"]}, 201)
            case ["flow_runs", ""]:
                self._answer(server.runs[server.add_run(body["state"]["type"], *body["tags"])], 201)
            case ["flow_runs", "filter"]:
                self._answer(server.found(server.runs, body["flow_runs"]))
            case ["task_runs", "filter"]:
                (run,) = body["flow_runs"]["id"]["any_"]
                found = server.found(server.parts, body["task_runs"])
                self._answer([part for part in found if part["flow_run_id"] == run])
            case ["flow_runs" | "task_runs" as kind, run, "set_state"]:
                kept = server.runs if kind == "flow_runs" else server.parts
                told = body["state"]
                kept[run]["state"] = state_of(told["type"], told.get("message"))
                accepted = {"status": "ACCEPT", "details": {"type": "accept_details"}}
                self._answer({"state": kept[run]["state"], **accepted}, 201)
            case ["logs", ""]:
                self._answer(None, 201)
            case _:
                self._answer({"detail": "not here"}, 404)

    def do_PATCH(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.runs[self._path()[1]] |= body
        self._answer(None, 204)

    def _path(self):
        self.server.asked.append(self.path)
        return self.path.partition("?")[0].removeprefix("/api/").split("/")

    def _answer(self, value, status=200):
        text = b"" if status == 204 else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass
