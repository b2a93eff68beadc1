"""`quanxi demo` and `quanxi score`: the whole way once, and how well it answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from ontology.errors import QuanxiError, UsageError
from seed.score import score_relapses, score_repeats
from server import listen
from settings import Settings

console = Console()
DISTRICT = "seed"
LOADED = "loaded.json"
START_SECONDS = 90

VIEW = """{
  address(code: "%s") {
    fullName
    path { level name }
    counts { people { value } houses { value } enterprises { value } incidents { value } }
    residents(first: 3) { totalCount { value } edges { node { title residence { zh } } } }
    houses(first: 3) { edges { node { hid use { zh } owners { title } tenants { edges { node { title } } } } } }
    incidents(first: 3) { edges { node { number kind { zh } occurredAt steps { at to { zh } } } } }
  }
}"""
DISTRICT_VIEW = """{
  address {
    code fullName
    counts { people { value } floating { value } houses { value } rented { value } enterprises { value }
             incidents { value } openMatters { value } vehicles { value } volunteers { value } devices { value } }
    incidents(first: 1) { edges { node { number title occurredAt } } }
  }
}"""
REPEATS = """query($area: AddressCode!, $by: RepeatBy!, $after: String) {
  repeatDisputes(area: $area, by: $by, withinDays: 90, minimum: 3, first: 100, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor }
    edges { node { sentence at { fullName } incidents { number reports { number kind { code } } } } }
  }
}"""
# The answer key names the reports that are disputes; petitions and suits about them are of other kinds.
DISPUTE = "dispute"
RELAPSES = """query($area: AddressCode!, $after: String) {
  hazardRelapses(area: $area, withinDays: 30, first: 100, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor }
    edges { node { sentence at { fullName } earlier { number } later { number } } }
  }
}"""
SEARCH = "query($text: String!) { search(text: $text, first: 2) { groups { kind hits { totalCount { value } edges { node { id title } } } } } }"
A_DWELLING = """query($area: AddressCode!) {
  address(code: $area) { incidents(first: 100, kinds: ["dispute"]) { edges { node { at { code level } } } } }
}"""

Asks = Callable[..., dict[str, Any]]


def _post(url: str) -> Asks:
    """Asks over HTTP. An error in the answer is raised, since the demo's own questions must not have any."""

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer = httpx.post(
            f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        if answer.get("errors"):
            raise RuntimeError(json.dumps(answer["errors"], ensure_ascii=False))
        data: dict[str, Any] = answer["data"]
        return data

    return ask


def walk(ask: Asks, query: str, root: str, **variables: Any) -> list[dict[str, Any]]:
    """All nodes of a paged root."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = ask(query, after=after, **variables)[root]
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def score_answers(ask: Asks, truth: Path) -> dict[str, dict[str, Any]]:
    """Precision and recall of repeat disputes and relapses against the answer key."""
    repeats = json.loads((truth / "repeats.json").read_text(encoding="utf-8"))
    relapses = json.loads((truth / "relapses.json").read_text(encoding="utf-8"))
    area = ask("{ address { code } }")["address"]["code"]
    result: dict[str, dict[str, Any]] = {}
    for by in ("PLACE", "PARTIES"):
        nodes = walk(ask, REPEATS, "repeatDisputes", area=area, by=by)
        numbers = [
            [r["number"] for i in n["incidents"] for r in i["reports"] if r["kind"]["code"] == DISPUTE]
            for n in nodes
        ]
        result[f"repeat disputes, {by.lower()}"] = score_repeats(repeats, numbers, by)
    nodes = walk(ask, RELAPSES, "hazardRelapses", area=area)
    result["hazard relapses"] = score_relapses(
        relapses, [(n["earlier"]["number"], n["later"]["number"]) for n in nodes]
    )
    return result


async def score_district(settings: Settings, truth: Path, connect: Callable[[Any], Any]) -> dict[str, Any]:
    """Starts a server on a free port, asks it, and stops it.

    Raises:
        UsageError: BAD_FILE when `truth` is no answer key.
    """
    for name in ("repeats.json", "relapses.json"):
        if not (truth / name).is_file():
            raise UsageError(
                "BAD_FILE",
                f"{truth} 不是答案目录",
                f"{truth} has no {name}",
                "Give the truth/ directory that `quanxi seed` wrote.",
            )
    connect(settings)
    with serving(settings, port=0) as url:
        return await asyncio.to_thread(score_answers, _post(url), truth)


@contextlib.contextmanager
def serving(settings: Settings, port: int) -> Any:
    """A server of its own process; gives its address once it answers."""
    command = [sys.executable, "-m", "cli", "--data", str(settings.data.resolve())]
    if settings.catalog is not None:
        command += ["--catalog", str(settings.catalog.resolve())]
    command += ["serve", "--host", settings.host, "--port", str(port)]
    log = settings.data / "server.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parent, stdout=out, stderr=subprocess.STDOUT, env=os.environ.copy()
        )
        try:
            yield _wait(process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    url = ""
    while time.monotonic() < deadline and process.poll() is None:
        if not url:
            words = log.read_text(encoding="utf-8").split()
            url = next((w for w in words if w.startswith("http://")), "")
        if url:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                    return url
        time.sleep(0.2)
    tail = log.read_text(encoding="utf-8")[-1500:]
    raise UsageError("SERVER_START", "服务没有起来", f"the server did not come up: {tail}", f"See {log}.")


def run_demo(
    settings: Settings,
    *,
    check: bool,
    scale: float,
    bars: Any,
    load: Callable[..., Any],
    connect: Callable[..., Any],
    summarise: Callable[[Any], None],
) -> int:
    """Engine, seed, load, serve. A second run finds the district loaded and only serves it.

    Returns:
        0, or 1 when a headline query went wrong.
    """
    from graph.engine import engine_status, is_pristine, stop_engine
    from graph.engine_jars import ensure_jars
    from seed import SeedOptions, seed_district

    data = settings.data
    started = settings.neo4j_uri is None and engine_status(data) is None
    district = data / DISTRICT
    # From the start, so that what was started is stopped whenever the end comes.
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        with bars() as step:
            wanted = {"scale": scale, "seed": 7}
            done = _read(data / LOADED)
            if done is not None and done != wanted:
                raise UsageError(
                    "DEMO_OTHER",
                    f"{data} 中已有另一个示例区",
                    f"{data} holds the demo of another scale ({done.get('scale')})",
                    "Give another directory: quanxi --data DIR demo --scale …",
                )
            if not check:
                # Better known now than after the seeding and loading.
                listen(settings.host, settings.port).close()
            # What may be missing is fetched before the seeding; the first load needs no engine that runs.
            if settings.neo4j_uri is None and is_pristine(data):
                ensure_jars(progress=step)
            else:
                connect(settings, step)
            summary = None
            if done is None:
                seeded = _read(district / "manifest.json")
                if seeded is None or seeded.get("options", {}).get("scale") != scale:
                    shutil.rmtree(district, ignore_errors=True)
                    seed_district(district, SeedOptions(scale=scale), step)
                summary = asyncio.run(load(settings, [district], None, step))
        if summary is not None:
            summarise(summary)
            (data / LOADED).write_text(json.dumps(wanted), encoding="utf-8")
        else:
            console.print(f"The district of {data} is loaded already. 区已入库。")
        if check:
            with serving(settings, port=0) as url:
                return _check(_post(url), url, district / "truth")
        with serving(settings, port=settings.port) as url:
            ask = _post(url)
            code = _dwelling(ask)
            console.print(
                f"\n[bold]Quanxi 全息[/] is at [link={url}]{url}[/] — GraphiQL at {url}/graphql (all data is synthetic 全部为合成数据)"
            )
            console.print("Paste this query 可直接粘贴:\n", VIEW % code, "\n", highlight=False, markup=False)
            console.print("Ctrl-C ends it.")
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
        return 0
    finally:
        if started:
            stop_engine(data)


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _dwelling(ask: Asks) -> str:
    """A dwelling where something happened, to look at."""
    area = ask("{ address { code } }")["address"]["code"]
    edges = ask(A_DWELLING, area=area)["address"]["incidents"]["edges"]
    places = [e["node"]["at"] for e in edges if e["node"]["at"]]
    best = next((p for p in places if p["level"] == "DWELLING"), places[0] if places else None)
    return str(best["code"]) if best else area


def _check(ask: Asks, url: str, truth: Path) -> int:
    """Asks the headline questions, prints the answers, and says whether they are what they must be."""
    wrong: list[str] = []

    def show(title: str, answer: Any) -> None:
        console.rule(title, align="left")
        console.print_json(json.dumps(answer, ensure_ascii=False), indent=1)

    try:
        district = ask(DISTRICT_VIEW)["address"]
        show("the district 全区", district)
        if not all(
            district["counts"][k]["value"] > 0 for k in ("people", "houses", "enterprises", "incidents")
        ):
            wrong.append("the district has no people, houses, enterprises or incidents")
        home = ask(VIEW % _dwelling(ask))["address"]
        show("one dwelling 一户", home)
        if home["path"][0]["name"] != district["fullName"]:
            wrong.append("the dwelling's path does not begin with the district")
        found = ask(SEARCH, text=home["path"][-2]["name"])
        show("search 检索", found)
        if not found["search"]["groups"]:
            wrong.append("search found nothing")
        for title, query, root, more in (
            ("repeat disputes 反复纠纷", REPEATS, "repeatDisputes", {"by": "EITHER"}), ("relapses 隐患复燃", RELAPSES, "hazardRelapses", {}),
        ):  # fmt: skip
            answer = ask(query, area=district["code"], **more)[root]
            show(title, {"totalCount": answer["totalCount"], "first": answer["edges"][:2]})
            if not answer["edges"]:
                wrong.append(f"{title}: none found")
        scores = score_answers(ask, truth)
        show(
            "score against the answer key 对照答案",
            {k: {m: v[m] for m in ("true", "found", "precision", "recall")} for k, v in scores.items()},
        )
        if any(v["precision"] < 0.9 or v["recall"] < 0.8 for v in scores.values()):
            wrong.append("a trace's precision is below 0.9, or its recall below 0.8")
        page = httpx.get(url, timeout=10)
        if page.status_code != 200 or "全息" not in page.text:
            wrong.append("the start page does not come up")
    except (RuntimeError, httpx.HTTPError, KeyError, QuanxiError) as error:
        wrong.append(str(error))
    for line in wrong:
        console.print(f"[red]✗[/] {line}", highlight=False)
    if not wrong:
        console.print("[green]✓[/] all headline questions are answered 全部通过")
    return 1 if wrong else 0
