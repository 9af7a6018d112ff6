"""The answers of the viewer: the page of each study, tiles of its slides, maps, and the notes of its reader.

Nothing of a slide is answered but squares of its pyramid: a label or macro image has no address. What is
answered may be kept by no cache, as slides of patients may not lie in the folders of a browser.
"""

import html
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.exit_codes import FAILURES, MISTAKES
from flows.guarded_server import OwnHostOnly
from flows.viewing.kept_lately import KeptLately
from flows.viewing.notes import MOST_BYTES, Notes, read_notes, write_notes
from tasks.reporting.review.budget import as_json
from tasks.reporting.review.document import document
from tasks.slides.errors import SlideError

if TYPE_CHECKING:
    from flows.viewing.viewed import ViewedStudy  # with what a plan needs: only where a study is looked at

    Openers = Mapping[str, Callable[[], ViewedStudy]]
    """What opens each study, by its name."""

MOST_SQUARES = 64_000_000
"""Bytes of the squares of a study that are kept."""
MOST_MAPS = 400
"""Maps of tiles in one answer."""
_QUALITY = 85
_AT_ONCE = 4
"""Squares and maps that are read side by side; each holds some megabytes meanwhile."""

_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


class StudyAnswers:
    """The answers about one study."""

    def __init__(self, viewed: "ViewedStudy", home: Path) -> None:
        self._viewed, self._home = viewed, home
        self._kept = KeptLately(MOST_SQUARES, size_of=len)
        self._turns = threading.Semaphore(_AT_ONCE)

    @property
    def is_current(self) -> bool:
        """Whether the page is still the newest of its study."""
        return self._viewed.is_current

    @property
    def routes(self) -> list[Route]:
        """Their addresses, relative to that of the study."""
        return [
            Route("/", self.page),
            Route("/slides/{number:int}.json", self.slide),
            Route("/tiles/{number:int}/{level:int}/{x:int}_{y:int}.jpg", self.square),
            Route("/maps/{number:int}/{model:int}/{explainer:int}", self.maps),
            Route("/details/{number:int}/{row:int}", self.detail),
            Route("/notes/{number:int}", self.notes, methods=["GET"]),
            Route("/notes/{number:int}", self.keep_notes, methods=["POST"]),
        ]

    def page(self, _request: Request) -> Response:
        """Return the page, which asks for all else."""
        served = {name: name for name in ("slides", "tiles", "maps", "details", "notes")}
        told = {**self._viewed.told, "served": served}
        return HTMLResponse(document(f"{told['study']}: viewer", as_json(told), [], served=True))

    def slide(self, request: Request) -> Response:
        """Return what the page shows of a slide."""
        return JSONResponse(self._viewed.slide_json(request.path_params["number"]))

    def square(self, request: Request) -> Response:
        """Return a square of a slide as JPEG."""
        names = request.path_params
        key = (names["number"], names["level"], names["x"], names["y"])
        return Response(self._kept.of(key, lambda: self._read(*key)), media_type="image/jpeg")

    def _read(self, number: int, level: int, x: int, y: int) -> bytes:
        with self._turns:
            return _jpeg(Image.fromarray(self._viewed.square(number, level, x, y)))

    def maps(self, request: Request) -> Response:
        """Return the maps of some tiles by one model and explainer."""
        names = request.path_params
        rows = [int(row) for row in request.query_params.get("rows", "").split(",") if row.isdigit()]
        pair = (names["model"], names["explainer"])
        with self._turns:
            side, maps = self._viewed.maps(names["number"], pair, rows[:MOST_MAPS])
        return JSONResponse({"side": side, "maps": {str(row): text for row, text in maps.items()}})

    def detail(self, request: Request) -> Response:
        """Return a tile with all its maps."""
        with self._turns:
            found = self._viewed.detail(request.path_params["number"], request.path_params["row"])
        return JSONResponse(found)

    def notes(self, request: Request) -> Response:
        """Return the notes on a slide."""
        slide = self._slide_name(request)
        return JSONResponse(read_notes(self._home, self._viewed.study.name, slide).model_dump(mode="json"))

    async def keep_notes(self, request: Request) -> Response:
        """Keep the notes on a slide; only a page of this server may send them, which its origin says."""
        if "origin" not in request.headers:
            return PlainTextResponse("notes are taken from the page of this server alone", 403)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return PlainTextResponse("notes are JSON", 415)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return PlainTextResponse(f"notes on one slide may have {MOST_BYTES} bytes", 413)
        slide = self._slide_name(request)
        try:
            notes = Notes.model_validate_json(body)
        except ValidationError as error:
            return PlainTextResponse(f"these are no notes: {error.error_count()} faults", 422)
        write_notes(self._home, self._viewed.study.name, slide, notes)
        return JSONResponse({"kept": len(notes.notes)})

    def _slide_name(self, request: Request) -> str:
        slides, number = self._viewed.told["slides"], request.path_params["number"]
        if number >= len(slides):
            raise KeyError(number)
        return str(slides[number])


def viewer_app(studies: "Callable[[], Openers]", home: Path) -> OwnHostOnly:
    """Return the server's app.

    Args:
        studies: the studies that there are now. Each is at ``/<name>/``, and opened when it is asked for.
        home: where notes are kept.
    """
    listed = Route("/", lambda request: HTMLResponse(_list_of(studies())))
    health = Route("/health", lambda request: PlainTextResponse("ok"))
    # Browsers ask for it by themselves.
    icon = Route("/favicon.ico", lambda request: Response(status_code=204))
    each = Mount("/{study}", _OpenedStudies(studies, home))
    return OwnHostOnly(_WithSafeHeaders(Starlette(routes=[listed, health, icon, each])))


class _OpenedStudies:
    """Answers about studies that are opened with the first request, and again where there is a newer page."""

    def __init__(self, studies: "Callable[[], Openers]", home: Path) -> None:
        self._studies, self._home = studies, home
        self._opened: dict[str, tuple[StudyAnswers, Starlette]] = {}
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a study that cannot be opened is told in a sentence."""
        name, whole = scope["path_params"]["study"], scope["path"].endswith("/")
        answer: ASGIApp
        try:
            answer = await run_in_threadpool(self._of, name, whole)
        except KeyError:
            answer = PlainTextResponse("no such study was run in this home", 404)
        except (*MISTAKES, *FAILURES) as error:
            answer = PlainTextResponse(f"{name} cannot be shown: {error}", 503)
        await answer(scope, receive, send)

    def _of(self, name: str, whole: bool) -> Starlette:
        """Return the answers about a study; with its ``whole`` page the newest is looked for."""
        with self._lock:
            found = self._opened.get(name)
            if found is None or (whole and not found[0].is_current):
                answers = StudyAnswers(self._studies()[name](), self._home)
                found = (answers, Starlette(routes=answers.routes, exception_handlers=_ERRORS))
                self._opened[name] = found
        return found[1]


class _WithSafeHeaders:
    """Adds what keeps answers out of caches, frames and other sites."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in _SAFE.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._app(scope, receive, sent)


def _not_there(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("there is no such slide, tile or map in this study", 404)


def _not_readable(_request: Request, _error: Exception) -> Response:
    # The error names the file, which may name a patient.
    return PlainTextResponse("this part of the slide cannot be read", 502)


_ERRORS = {KeyError: _not_there, IndexError: _not_there, SlideError: _not_readable}


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _list_of(names: Iterable[str]) -> str:
    links = "".join(
        f'<li><a href="{html.escape(address_of(name))}">{html.escape(name)}</a></li>' for name in names
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Veritile viewer</title>'
        '<meta name="color-scheme" content="light dark"></head><body><main><h1>Studies of this home</h1>'
        f"{f'<ul>{links}</ul>' if links else '<p>No study of this home was run yet.</p>'}"
        "</main></body></html>"
    )


def address_of(name: str) -> str:
    """Return where a study is, on the server."""
    return f"/{quote(name, safe='')}/"
