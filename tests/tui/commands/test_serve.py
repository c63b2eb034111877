"""The app in a browser: nobody without the token, no other site's page, and the real screen."""

import asyncio
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pyte
import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar, WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from tui.cli import cli
from tui.commands import serve, served_window, token_server
from tui.commands.served_window import MAX_COLUMNS, MAX_ROWS, within_bounds
from tui.commands.token_server import Server

APP = f"{sys.executable} -P -c 'from tui.cli import main; main()' --runs-dir runs"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Server(APP)


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[TestClient]:
    app = await server._make_app()
    jar = CookieJar(unsafe=True)  # cookies of numeric addresses too, as browsers have them
    async with TestClient(TestServer(app), cookie_jar=jar) as client:
        yield client


ROUTES = ("/", "/ws", "/static/js/textual.js", "/download/x", "/nosuch")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%ff"])
async def test_nothing_without_the_token(client: TestClient, path: str, query: str) -> None:
    answer = await client.get(path + query)
    assert answer.status == 403
    assert "token" in await answer.text()


async def test_the_token_becomes_a_cookie_and_leaves_the_address(
    client: TestClient, server: Server
) -> None:
    answer = await client.get(f"/?token={server.token}", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    page = await client.get("/")
    assert page.status == 200
    text = await page.text()
    assert f"ws://127.0.0.1:{client.port}/ws" in text
    assert server.token not in text
    assert f"<head><title>bigmodel-tui on {socket.gethostname()}</title>" in text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert (await client.get("/static/js/textual.js")).status == 200
    client.session.cookie_jar.clear()
    assert (await client.get("/")).status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil:1", "a:b:c"])
async def test_another_name_that_points_here_is_refused(
    client: TestClient, server: Server, host: str
) -> None:
    answer = await client.get(f"/?token={server.token}", headers={"Host": host})
    assert answer.status == 403


@pytest.mark.parametrize(("host", "status"), [("localhost:9", 200), ("[::1]:9", 200)])
async def test_a_tunnel_may_have_another_port(
    client: TestClient, server: Server, host: str, status: int
) -> None:
    path = f"/static/js/textual.js?token={server.token}"
    assert (await client.get(path, headers={"Host": host})).status == status


async def test_a_page_of_another_origin_gets_no_websocket(
    client: TestClient, server: Server
) -> None:
    await client.get(f"/?token={server.token}")
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        answer = await client.get("/ws", headers={"Origin": origin})
        assert answer.status == 403


def shows(screen: pyte.Screen) -> bool:
    return any("59,338 parameters" in line for line in screen.display)


async def test_a_websocket_shows_the_app(client: TestClient, server: Server) -> None:
    await client.get(f"/?token={server.token}")
    origin = f"http://127.0.0.1:{client.port}"
    screen = pyte.Screen(120, 40)
    stream = pyte.ByteStream(screen)  # what is sent are the cells that differ, not whole words
    async with client.ws_connect("/ws?width=120&height=40", origin=origin) as socket:
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                stream.feed(message.data)
            if shows(screen):
                break
        await socket.send_json(["stdin", "\x11"])  # Ctrl+Q
        async for _ in socket:
            pass
    assert shows(screen)
    async with asyncio.timeout(30):  # the app ends with its window
        while psutil.Process().children():
            await asyncio.sleep(0.02)


STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.write("__GANGLION__\\n")
sys.stdout.flush()
open("size", "w").write(str(sorted((k, v) for k, v in __import__("os").environ.items()
                                   if k in ("COLUMNS", "ROWS"))))
time.sleep(600)
"""
"""An app that never ends by itself, and does not listen."""


@pytest.fixture
def stubborn(server: Server, tmp_path: Path) -> Server:
    program = tmp_path / "stubborn.py"
    program.write_text(STUBBORN)
    server.command = shlex.join([sys.executable, "-S", str(program)])
    return server


async def test_size_and_number_of_windows_are_bounded(
    client: TestClient, stubborn: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_server, "MAX_WINDOWS", 2)
    monkeypatch.setattr(served_window, "END_SECONDS", 0.1)
    await client.get(f"/?token={stubborn.token}")
    huge = "/ws?width=99999999&height=99999999"
    first = await client.ws_connect(huge)
    async with client.ws_connect(huge):
        async with asyncio.timeout(30):
            while not (tmp_path / "size").exists() or not (tmp_path / "size").read_text():
                await asyncio.sleep(0.02)
        size = [("COLUMNS", str(MAX_COLUMNS)), ("ROWS", str(MAX_ROWS))]
        assert (tmp_path / "size").read_text() == str(size)
        for path in ("/", huge):
            answer = await client.get(path)
            assert answer.status == 503
            assert "2 windows are open already" in await answer.text()
    await first.close()
    async with asyncio.timeout(30):
        while stubborn.windows or psutil.Process().children():
            await asyncio.sleep(0.02)
    assert (await client.get("/")).status == 200


@pytest.mark.parametrize(
    ("asked", "shown"),
    [((99_999_999, 99_999_999), (500, 200)), ((-5, 0), (1, 24)), ((120, 40), (120, 40))],
)
def test_a_size_within_bounds(asked: tuple[int, int], shown: tuple[int, int]) -> None:
    assert within_bounds(*asked) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '["what"]',
        '["stdin"]',
        '["stdin", 3]',
        '["resize", {"width": 1e999}]',
        '["resize", {"width": "many", "height": 2}]',
        "[" * 100_000,
    ],
)
async def test_what_is_no_message_closes_the_window(
    client: TestClient, stubborn: Server, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_window, "END_SECONDS", 0.1)
    await client.get(f"/?token={stubborn.token}")
    async with client.ws_connect("/ws") as connection:
        await connection.send_str(text)
        message = await connection.receive(30)
        assert message.type == WSMsgType.CLOSE
        assert message.data == WSCloseCode.UNSUPPORTED_DATA


async def test_sigterm_ends_the_server_whatever_its_windows_do(tmp_path: Path) -> None:
    program = tmp_path / "stubborn.py"
    program.write_text(STUBBORN)
    code = (
        "import shlex, sys; from tui.commands import token_server; from tui.cli import main;"
        "init = token_server.Server.__init__;"
        "command = shlex.join([sys.executable, '-S', 'stubborn.py']);"
        "token_server.Server.__init__ = lambda self, _, host: init(self, command, host);"
        "sys.argv = ['bigmodel-tui', 'serve', '--port', '0']; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        address = process.stdout.readline().strip()
        where = address.partition("?")[0]
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            await session.get(address)
            for _ in range(3):
                await session.ws_connect(f"{where}ws?width=99999999&height=99999999")
            async with asyncio.timeout(30):
                while len(apps := psutil.Process(process.pid).children(recursive=True)) < 3:
                    await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, 143)
        assert not any(app.is_running() and app.status() != "zombie" for app in apps)
    finally:
        process.kill()


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "", "127.0.0.1.evil", "1"]
)
def test_only_this_machine(host: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["serve", "--host", host, "--runs-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert "--host: expected a loopback address" in done.stderr


def test_without_the_package_one_line_says_what_to_install(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(cli, ["serve", "--runs-dir", str(tmp_path)])
    assert "pip install 'bigmodel-tui[serve]'" in done.stderr


async def test_the_command_prints_address_and_warning_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    command = "from tui.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", command, "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        address = process.stdout.readline().strip()
        warning = process.stderr.readline()
        assert "not encrypted" in warning
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.get(address) as answer:
                assert answer.status == 200
            async with session.get(address.partition("?")[0] + "nosuch") as answer:
                assert answer.status == 404
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
    assert "Traceback" not in process.stderr.read()
