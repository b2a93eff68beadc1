"""GraphiQL in a real Chromium that can reach nothing but this server.

Skipped, with the reason, where there is no Chromium. It only loads the page and prints what became of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from graph.engine import EngineAddress
from graph.store import Store
from tests.schema.drawn import draw, load

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no chromium, chromium-browser or google-chrome on PATH (apt-get install chromium)",
)

_SMALL = """
from tests.web.small import SmallDomain
server.QuanxiDomain = lambda settings: SmallDomain()
"""
_PROCESS = """
import sys
from pathlib import Path
import server
from settings import Settings
%s
server.run(Settings(data=Path(sys.argv[1]), port=0, today="2025-12-15"))
"""


@contextlib.contextmanager
def serving(engine: EngineAddress, data: Path, more: str) -> Iterator[str]:
    """A server in a process of its own; `more` is run in it before it serves."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("QUANXI_", "NEO4J_"))
    }
    environment |= {"NEO4J_URI": engine.uri, "NEO4J_USER": engine.user, "NEO4J_PASSWORD": engine.password}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS % more, str(data)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert found is not None
        yield found[0]
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def base(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(engine, tmp_path_factory.mktemp("server"), _SMALL) as url:
        yield url


@pytest.fixture
async def district(engine: EngineAddress, store: Store, tmp_path: Path) -> AsyncIterator[str]:
    """Quanxi's own schema over the drawn town, warmed."""
    await draw(store, load("town"))
    with serving(engine, tmp_path / "data", "") as url:
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    break
                await asyncio.sleep(0.1)
        yield url


def browse(url: str, folder: Path) -> tuple[str, list[str]]:
    """The page's DOM after its scripts have run, and the addresses of all it asked for."""
    assert CHROMIUM is not None
    log = folder / "net.json"
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            # No name is found but this machine's: a page that needs another host stays blank.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--log-net-log={log}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout, asked_for(log)


def asked_for(log: Path) -> list[str]:
    """The addresses that pages asked for; Chromium's own housekeeping has no page as its initiator."""
    text = log.read_text("utf-8").rstrip()
    try:
        read = json.loads(text)
    except ValueError:  # it was ended before it closed the list
        read = json.loads(text.rstrip(",") + "]}")
    found = []
    for event in read["events"]:
        parameters = event.get("params", {})
        url = parameters.get("url", "")
        if url.startswith("http") and parameters.get("initiator", "not an origin") not in (
            "not an origin",
            "null",
        ):
            found.append(url)
    return found


def test_graphiql_opens_with_the_examples_in_its_tabs(base: str, tmp_path: Path) -> None:
    dom, urls = browse(f"{base}/graphql", tmp_path)
    assert "graphiql-container" in dom
    assert "graphiql-execute-button" in dom
    for tab in ("Dwelling", "Street", "Search", "RepeatDisputes", "Paths"):
        assert re.search(rf">\s*{tab}\s*<", dom), tab
    # The schema was fetched: what this schema does not have is marked as wrong.
    assert "CodeMirror-lint-mark-error" in dom
    assert any(url.endswith("/graphiql.min.js") for url in urls)
    assert [url for url in urls if not url.startswith(f"{base}/")] == []


@pytest.mark.parametrize("example", ["dwelling", "street", "search", "repeat-disputes", "paths"])
async def test_the_examples_are_right_by_the_real_schema(district: str, example: str, tmp_path: Path) -> None:
    """GraphiQL marks what a schema does not have; the variables are filled with things of the district served."""
    dom, _ = await asyncio.to_thread(browse, f"{district}/graphql#example={example}", tmp_path)
    assert "graphiql-execute-button" in dom
    assert "CodeMirror-lint-mark-error" not in dom
    shown = re.search(r'<button[^>]*graphiql-tab-button"[^>]*>([^<]*)<', dom)
    assert shown is not None
    assert shown[1].strip().lower() == example.replace("-", "")


def test_a_link_opens_its_example(base: str, tmp_path: Path) -> None:
    dom, _ = browse(f"{base}/graphql#example=paths", tmp_path)
    first = re.search(r'<button[^>]*graphiql-tab-button"[^>]*>([^<]*)<', dom)
    assert first is not None
    assert first[1].strip() == "Paths"
    assert "searchedDepth" in dom


def test_the_start_page_needs_no_other_host(base: str, tmp_path: Path) -> None:
    dom, urls = browse(f"{base}/", tmp_path)
    assert "合成数据" in dom
    assert [url for url in urls if not url.startswith(f"{base}/")] == []


def test_the_page_forbids_other_hosts(base: str) -> None:
    answer = httpx.get(f"{base}/graphql", headers={"accept": "text/html"})
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
