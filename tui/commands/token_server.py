"""A web server for the app that answers only requests with a secret token, within bounds."""

import asyncio
import html
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp_jinja2
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler
from textual_serve.app_service import AppService
from textual_serve.server import Server as TextualServer
from textual_serve.server import to_int

from tui.commands.errors import PROGRAM
from tui.commands.served_window import Window, within_bounds

MAX_WINDOWS = 8
"""Windows that are open at once, at most: each is a process of its own."""
SHUTDOWN_SECONDS = 1.0
"""How long the server's end waits for connections after the apps are gone."""

_NO_MESSAGE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    OverflowError,
)
"""What reading something else than a message raises."""
_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""Host names under which a browser here, or at the end of a tunnel to here, may ask."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Nothing from elsewhere; the page's own scripts and styles stand in it.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws:;"
        " frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
    ),
}


class Server(TextualServer):
    """A web server that runs the command once for each browser window with the token.

    The token comes once in the address, then in a cookie that only pages of this server send back.
    Requests for another host name are refused, since a web site could have its own name point here
    (DNS rebinding); so are requests from pages of another origin.
    """

    def __init__(self, command: str, host: str = "127.0.0.1") -> None:
        """`command` is run by a shell: quote its parts. `host` is our loopback address."""
        super().__init__(command, title=PROGRAM)
        self.token = secrets.token_urlsafe(32)
        self.cookie = f"bigmodel_{secrets.token_hex(4)}"
        """The cookie's name; a browser shares its cookies among all ports of a host."""
        self._names = (*_NAMES, host)
        self.windows: dict[Window, web.WebSocketResponse] = {}
        """The open windows and their connections."""
        self._endings: set[asyncio.Task[None]] = set()

    def run(self, listener: socket.socket) -> None:
        """Serve until Ctrl-C or SIGTERM; ends within a few seconds then, whatever the apps do."""
        web.run_app(
            self._make_app(),
            sock=listener,
            print=None,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_harden)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command has printed the address."""

    async def on_shutdown(self, app: web.Application) -> None:
        """End the apps of all windows."""
        await asyncio.gather(*(window.stop() for window in self.windows))
        for connection in [*self.windows.values()]:
            with suppress(TimeoutError):
                closing = connection.close(code=WSCloseCode.GOING_AWAY)
                await asyncio.wait_for(closing, SHUTDOWN_SECONDS)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        name, _, port = request.host.rpartition(":")
        if request.host not in self._names and not (name in self._names and port.isdecimal()):
            raise web.HTTPForbidden(text="another host name than this machine's own\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="a page of another origin\n")
        if self._is_token(request.query.get("token", "")):
            # Out of the address, so that it is in no history and no picture of the screen.
            if request.path != "/":
                return await handler(request)
            answer = web.Response(status=303, headers={"Location": "/"})
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")
            return answer
        if not self._is_token(request.cookies.get(self.cookie, "")):
            raise web.HTTPForbidden(text="open the address with the token that was printed\n")
        return await handler(request)

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, with the host name of the request in its addresses."""
        self._refuse_too_many()
        context = {
            "font_size": to_int(request.query.get("fontsize", "16"), 16),
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        page = aiohttp_jinja2.render_string("app_index.html", request, context)
        # The template has no title, and a tab without one has the address of a socket for a name.
        title = f"<title>{html.escape(f'{self.title} on {socket.gethostname()}')}</title>"
        page = page.replace("<head>", f"<head>{title}", 1)
        return web.Response(text=page, content_type="text/html")

    def _refuse_too_many(self) -> None:
        if len(self.windows) >= MAX_WINDOWS:
            words = f"{MAX_WINDOWS} windows are open already, the most at once; close one of them\n"
            raise web.HTTPServiceUnavailable(text=words)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the app as long as a browser window is connected."""
        self._refuse_too_many()
        connection = web.WebSocketResponse(heartbeat=15)
        window = Window(
            self.command,
            write_bytes=connection.send_bytes,
            write_str=connection.send_str,
            close=_closing(connection),
            download_manager=self.download_manager,
        )
        self.windows[window] = connection
        try:
            await connection.prepare(request)
            size = (to_int(request.query.get(key, ""), 0) for key in ("width", "height"))
            await window.start(*within_bounds(*size))
            await self._process_messages(connection, window)
        finally:
            # A task of its own: this one may be cancelled with the connection.
            ending = asyncio.create_task(self._end(window))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            await asyncio.shield(ending)
        return connection

    async def _end(self, window: "Window") -> None:
        """End the app of a window; the place is free once it is gone."""
        try:
            await window.stop()
        finally:
            del self.windows[window]

    async def _process_messages(
        self, websocket: web.WebSocketResponse, app_service: AppService
    ) -> None:
        """Pass on what the browser sends; a message that no browser of ours sends closes the
        connection."""
        async for message in websocket:
            if message.type != WSMsgType.TEXT:
                continue
            try:
                await _pass_on(json.loads(message.data), websocket, app_service)
            except _NO_MESSAGE:
                await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"no such message")


def _closing(connection: web.WebSocketResponse) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await connection.close()

    return close


async def _pass_on(message: Any, websocket: web.WebSocketResponse, window: AppService) -> None:
    """Raises one of `_NO_MESSAGE` for what is none."""
    kind, *rest = message
    match kind:
        case "stdin":
            await window.send_bytes(rest[0].encode())
        case "resize":
            width, height = (int(rest[0][key]) for key in ("width", "height"))
            await window.set_terminal_size(*within_bounds(width, height))
        case "ping":
            await websocket.send_json(["pong", *rest[:1]])
        case "blur":
            await window.blur()
        case "focus":
            await window.focus()
        case _:
            raise ValueError(kind)


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
