"""The live page and what it asks for, on 127.0.0.1 only: who has its address may ask, and nobody else gets a byte.

The address has a random token in it. Every request, the stream of answers included, is looked at first: its token,
compared in constant time; its `Host`, which is this machine's own, so that no name of another can be made to lead here;
and its `Origin`, which is the page's. What fails any of them gets 403 and nothing. Pages may load nothing from outside.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sim.cli.live.data import answer_data, asked_data, day_data, world_data
from sim.cli.live.work import AnswerProgress, UnwantedError, Work
from sim.cli.live.world import Asked, LiveWorld, PageChoices
from sim.cli.options import fault_data
from sim.scenario.faults import Mark, ScenarioError, at, shown

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sim.studies.result import Result

HERE: Final = "127.0.0.1"

LARGEST: Final = 100_000
"""Bytes that a page may send."""
MOST_PAGES: Final = 50
"""Pages that are open at once; the one that was looked at longest ago is forgotten for one more."""
ALONE: Final = 5.0
"""Seconds for which work goes on after a page stopped listening: it may be on its way back."""
BEAT: Final = 15.0
"""Seconds after which a stream says that it is there."""
REST: Final = 0.25
"""Seconds between two tellings of an answer that is under way, after the second; and between two of its curves."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

ASSETS: Final = {
    "live.css": ("sim.cli.live", "text/css"),
    "live.js": ("sim.cli.live", "text/javascript"),
    "day.js": ("sim.cli.report", "text/javascript"),
}
"""What a page is made of besides: where each lies, and what it is."""


class Guard:
    """Lets through what has the token and comes from the page itself; all else gets 403 and no byte."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token.encode()
        self.hosts = {f"{HERE}:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http" or not self._may(scope):
            await Response(status_code=403)(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = ((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        await self.app({**scope, "path": scope["path"][len(self.token) + 1 :]}, receive, with_headers)

    def _may(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        _, given, *rest = [*scope["path"].split("/"), ""][:3]
        # Compared whatever else is wrong, so that the time tells nothing.
        known = hmac.compare_digest(given.encode(), self.token)
        host, origin = headers.getlist("host"), headers.getlist("origin")
        here = len(host) == 1 and host[0] in self.hosts
        own = not origin or origin == [f"http://{host[0] if host else ''}"]
        # Where a browser tells it: an address that is opened is no page's doing, all else is the page's own.
        opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        mine = headers.get("sec-fetch-site", "none") in ("same-origin", "none") or (opened and not origin)
        return known and here and own and mine and bool(rest)


class OpenPage:
    """What one open page asked last, and what it is told; no page knows of another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen = time.monotonic()
        self.move = -1
        """The number that the page gave to what it asked last."""
        self.turn = 0
        """Grows with each thing asked: work for an earlier one is not wanted."""
        self.asked: Asked | None = None
        self.answer: Result | None = None
        """To what was asked last, once it is done."""
        self.whole = False
        self.rests = False
        """Whether work was ended because nobody looked."""
        self.pinned: Result | None = None
        self.told: dict[str, Any] = {}
        self.version = 0
        self.listeners: set[asyncio.Event] = set()

    def tell(self, told: dict[str, Any]) -> None:
        """Tell who listens; only the last that was told is kept. In the thread of the server only."""
        self.told = told
        self.version += 1
        for one in self.listeners:
            one.set()


class Live:
    """The pages of a scenario file."""

    def __init__(self, world: LiveWorld, work: Work) -> None:
        self.world, self.work = world, work
        self.pages: dict[str, OpenPage] = {}
        self._pool = ThreadPoolExecutor(MOST_PAGES, thread_name_prefix="live")
        self._reporting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def app(self, token: str, port: int) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/", self._html),
            Route("/{name:str}", self._asset),
            Route("/ask/pages", self._open, methods=["POST"]),
            Route("/ask/move", self._move, methods=["POST"]),
            Route("/ask/pin", self._pin, methods=["POST"]),
            Route("/ask/save", self._save, methods=["POST"]),
            Route("/told/events", self._events),
            Route("/told/report", self._report),
            Route("/told/day", self._day),
        ]
        handlers: Any = {ScenarioError: _faults, ClientDisconnect: _gone}
        return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=self._lifespan), token, port)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        warm = threading.Thread(target=self.work.warm, args=(self.world.first,), daemon=True)
        warm.start()
        yield
        for page in self.pages.values():
            page.turn += 1
        self._pool.shutdown(wait=False, cancel_futures=True)

    # What a page is made of

    async def _html(self, _: Request) -> Response:
        html = files("sim.cli.live").joinpath("live.html").read_text(encoding="utf-8")
        return Response(html.replace("{{ title }}", escape(self.world.first.scenario.scenario)), media_type="text/html")

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return Response(status_code=404)
        package, kind = ASSETS[name]
        return Response(files(package).joinpath(name).read_bytes(), media_type=kind)

    # What it asks

    async def _open(self, request: Request) -> Response:
        """A page opens: it gets a name of its own, what there is to move, and an answer to what it begins with."""
        given = await _given(request)
        await run_in_threadpool(self.world.refresh)
        state = PageChoices.of(given["state"]) if given.get("state") is not None else self.world.first.state
        asked = await run_in_threadpool(self.world.asked, state)
        page = OpenPage(secrets.token_urlsafe(12))
        while len(self.pages) >= MOST_PAGES:
            oldest = min(self.pages.values(), key=lambda one: (bool(one.listeners), one.seen))
            oldest.turn += 1
            del self.pages[oldest.name]
        self.pages[page.name] = page
        self._begin(page, asked)
        told = await run_in_threadpool(asked_data, asked)
        return JSONResponse({"page": page.name, **world_data(self.world), "state": _state_data(state), **told})

    async def _move(self, request: Request) -> Response:
        """A page is moved to another state: what it asked before is wanted no more, unless this one is at fault."""
        given = await _given(request)
        page, move = self._page(given.get("page")), given.get("move")
        if not isinstance(move, int) or isinstance(move, bool) or move < 0:
            raise ScenarioError([at(Mark("move"), (), "must be a whole number", shown(move))])
        asked = await run_in_threadpool(self.world.asked, PageChoices.of(given.get("state")))
        if move <= page.move:
            return JSONResponse({"late": True})
        page.move = move
        self._begin(page, asked)
        return JSONResponse({"move": move, **await run_in_threadpool(asked_data, asked)})

    async def _pin(self, request: Request) -> Response:
        """What the page stands at is what later answers are held against; or nothing is, any more."""
        given = await _given(request)
        page, on = self._page(given.get("page")), given.get("on")
        if not isinstance(on, bool):
            raise ScenarioError([at(Mark("on"), (), "must be true or false", shown(on))])
        if on and page.answer is None:
            raise ScenarioError([at(Mark("on"), (), "the replications of this state are not done yet")])
        page.pinned = page.answer if on else None
        return JSONResponse({"pinned": on})

    async def _save(self, request: Request) -> Response:
        """Save a state as a variant."""
        given = await _given(request)
        self._page(given.get("page"))
        state = PageChoices.of(given.get("state"))
        name = await run_in_threadpool(self.world.save, given.get("name"), state)
        variants = world_data(self.world)["variants"]
        return JSONResponse({"saved": name, "file": str(self.world.saved_file), "variants": variants})

    def _page(self, name: object) -> OpenPage:
        found = self.pages.get(name) if isinstance(name, str) else None
        if found is None:
            raise ScenarioError([at(Mark("page"), (), "is not open here; load it again", shown(name))])
        found.seen = time.monotonic()
        return found

    # What it is told

    async def _events(self, request: Request) -> Response:
        """The stream of answers of a page: each is whole, and takes the place of the one before."""
        page = self._page(request.query_params.get("page"))
        if page.asked is not None and page.rests:
            self._begin(page, page.asked)
        return StreamingResponse(self._stream(page), media_type="text/event-stream")

    async def _stream(self, page: OpenPage) -> AsyncIterator[str]:
        news, seen, status = asyncio.Event(), 0, ""
        page.listeners.add(news)
        try:
            while page.name in self.pages:
                if self.work.status != status:
                    status = self.work.status
                    yield f"event: status\ndata: {json.dumps(status)}\n\n"
                if page.version != seen:
                    seen = page.version
                    yield f"id: {seen}\nevent: answer\ndata: {json.dumps(page.told, allow_nan=False)}\n\n"
                news.clear()
                if page.version == seen:
                    try:
                        await asyncio.wait_for(news.wait(), BEAT if not self.work.status else REST)
                    except TimeoutError:
                        yield ": here\n\n"
        finally:
            page.listeners.discard(news)
            page.seen = time.monotonic()
            asyncio.get_running_loop().call_later(ALONE, self._rest, page)

    def _rest(self, page: OpenPage) -> None:
        """Nobody looks at the page: nothing is worked out for it."""
        if not page.listeners and not page.whole:
            page.turn += 1
            page.rests = True

    async def _report(self, request: Request) -> Response:
        """The page that `tipline report` makes of what `tipline run` leaves of this state."""
        page = self._page(request.query_params.get("page"))
        if page.answer is None or page.asked is None or not page.whole:
            raise ScenarioError([at(Mark("report"), (), "the answer to this state is not done yet; wait for it")])
        html = await run_in_threadpool(self._made, page.answer, page.asked)
        name = "".join(one if one.isalnum() or one in "-_." else "_" for one in page.answer.scenario.name)
        attached = {"Content-Disposition": f'attachment; filename="{name}.html"'}
        return Response(html, media_type="text/html", headers=attached)

    async def _day(self, request: Request) -> Response:
        """A day of the first replication, tip by tip, as `day.js` plays it; nothing where there is none to play."""
        page = self._page(request.query_params.get("page"))
        if page.answer is None:
            raise ScenarioError([at(Mark("day"), (), "the replications of this state are not done yet; wait for them")])
        return JSONResponse(await run_in_threadpool(day_data, page.answer))

    def _made(self, found: Result, asked: Asked) -> str:
        from sim.answers.run import RunAnswer
        from sim.cli.report.page import page_of

        with self._reporting, tempfile.TemporaryDirectory(prefix="tipline-live-") as place:
            folder = Path(place, asked.scenario.name)
            answer = RunAnswer(found)
            answer.words = asked.words
            answer.save(folder)
            return page_of(folder).html

    # The work

    def _begin(self, page: OpenPage, asked: Asked) -> None:
        """Work out what a page asks, in a thread; what it asked before is not wanted any more."""
        page.turn += 1
        page.asked, page.answer, page.whole, page.rests = asked, None, False, False
        self._pool.submit(self._work_out, page, asked, page.turn, page.move, time.perf_counter())

    def _work_out(self, page: OpenPage, asked: Asked, turn: int, move: int, since: float) -> None:
        def wanted() -> bool:
            return page.turn == turn

        def tell(told: dict[str, Any], step: AnswerProgress | None = None) -> None:
            def now() -> None:
                if wanted():
                    if step is not None and step.done:
                        page.answer, page.whole = step.result, step.whole
                    page.tell(told)

            assert self._loop is not None
            told |= {"move": move, "after_ms": round(1000 * (time.perf_counter() - since), 1)}
            self._loop.call_soon_threadsafe(now)

        try:
            last, n_told = -1e9, 0
            for step in self.work.steps(asked, wanted):
                begins = time.perf_counter()
                if not step.done and n_told > 1 and begins - last < REST:
                    continue
                # The first answer is of verdicts alone: what is drawn takes as long again.
                told = answer_data(step, curves=step.done or n_told > 0, beside=page.pinned)
                tell(told, step)
                last, n_told = time.perf_counter(), n_told + 1
        except UnwantedError:
            return
        except Exception as error:
            if os.environ.get("TIPLINE_TRACEBACK"):
                print(traceback.format_exc(), file=sys.stderr)
            tell({"n": 0, "of": 0, "done": True, "broken": f"{type(error).__name__}: {error}"})


async def _given(request: Request) -> dict[str, Any]:
    """What a page sends: a mapping; ScenarioError where it sends anything else, or too much."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise ScenarioError([at(Mark("request"), (), f"has more than {LARGEST:,} bytes")])
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ScenarioError([at(Mark("request"), (), "must be JSON")])
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ScenarioError([at(Mark("request"), (), "is no JSON")]) from None
    if not isinstance(given, dict):
        raise ScenarioError([at(Mark("request"), (), "must be a mapping", shown(given))])
    return given


async def _faults(_: Request, error: Exception) -> Response:
    """Every fault of what a page sent, with its place, rule and value."""
    assert isinstance(error, ScenarioError)
    told = [{**fault_data(one), "text": str(one)} for one in error.faults]
    return JSONResponse({"faults": told}, status_code=422)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)


def _state_data(state: PageChoices) -> dict[str, Any]:
    return {
        "variant": state.variant,
        "reading": state.reading,
        "until_decided": state.until_decided,
        "values": dict(state.values),
    }


def listen(port: int) -> socket.socket:
    """A socket of this machine alone, at a port of its own where it is 0; OSError where it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HERE, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


def serve(world: LiveWorld, jobs: int, port: int, tell: Callable[[str], None]) -> None:
    """Serve the pages of a file until it is interrupted; `tell` is told the address once it can be opened."""
    with listen(port) as place:
        token, at_port = secrets.token_urlsafe(24), int(place.getsockname()[1])
        server = server_of(Live(world, Work(jobs)).app(token, at_port))
        tell(f"http://{HERE}:{at_port}/{token}/")
        # It ends what is open and gives the signal on; to be interrupted is how it is to end.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[place])


def server_of(app: ASGIApp) -> uvicorn.Server:
    """The server of an application, which says nothing and keeps no record: an address has the token in it."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
        limit_concurrency=200,
    )
    return uvicorn.Server(config)
