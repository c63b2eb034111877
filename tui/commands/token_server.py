"""A web server for the app that answers only requests with a secret token."""

import html
import secrets
import socket

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server as TextualServer
from textual_serve.server import to_int

from tui.commands.errors import PROGRAM

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

    def run(self, listener: socket.socket) -> None:
        """Serve until Ctrl-C."""
        web.run_app(self._make_app(), sock=listener, print=None, access_log=None)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_harden)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command has printed the address."""

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


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
