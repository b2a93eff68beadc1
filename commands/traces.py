"""`quanxi trace`: the declared patterns that the district looks for, and what they find."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from commands.common import current_settings, district_clock, graph_of, print_scores, standing_traces
from ontology.errors import UsageError

if TYPE_CHECKING:
    from ontology.declared import Mistake
    from ontology.terms import Terms
    from traces.declaration import Trace
    from traces.runner import Runner
    from traces.standing import Published, StandingTraces

app = typer.Typer(
    help="Traces 模型: check, explain and run what the district looks for.", no_args_is_help=True
)
console = Console()
Name = Annotated[
    str, typer.Argument(help="A trace, as `quanxi trace list` names it; or a file that declares one.")
]
Given = Annotated[
    list[str] | None, typer.Option("--set", help="A parameter, as within=60; may be given again.")
]


@app.command("list", epilog="Example: quanxi trace list")
def list_() -> None:
    """List the traces, with whose need each serves and its parameters."""
    traces, _ = _traces()
    table = Table(Column("trace", no_wrap=True), "version", "模型", "serves", "parameters")
    for trace in traces.values():
        told = ", ".join(f"{n}={p.default}" for n, p in trace.parameters.items())
        table.add_row(
            trace.trace, str(trace.version), f"{trace.zh}\n[dim]{trace.en}", " ".join(trace.serves), told
        )
    console.print(table)


@app.command("check", epilog="Example: quanxi trace check   or   quanxi trace check my_district")
def check(
    directory: Annotated[
        Path | None,
        typer.Argument(
            help="A catalogue (with traces/ in it), or a file that declares one; else the catalogue in use."
        ),
    ] = None,
) -> None:
    """Print every mistake in the traces' declarations with file and line; exit code 1 when there is one."""
    from loaders.wiring import catalog_terms_root
    from ontology.terms import CATALOG, load_terms
    from traces.catalogue import check_file, check_traces

    root = directory or current_settings().catalog or CATALOG
    if root.is_file():
        terms = load_terms(catalog_terms_root(current_settings().catalog))
        _told_mistakes(check_file(root, terms), 1)
        return
    if not (root / "traces").is_dir():
        raise UsageError(
            "BAD_CATALOG", f"没有目录 {root / 'traces'}", f"there is no directory {root / 'traces'}"
        )
    found = check_traces(root, load_terms(catalog_terms_root(root)))
    _told_mistakes(found.mistakes, len(found.declared))


def _told_mistakes(mistakes: Sequence[Mistake], traces: int) -> None:
    for mistake in mistakes:
        typer.echo(f"{mistake.path}:{mistake.line}: {mistake.zh}\n    {mistake.en}")
    if mistakes:
        typer.echo(f"{len(mistakes)} mistakes 共 {len(mistakes)} 处错误")
        raise typer.Exit(1)
    typer.echo(f"{traces} traces: no mistakes 声明无误")


@app.command("explain", epilog="Example: quanxi trace explain hazard_relapse --cypher")
def explain(
    name: Name,
    given: Given = None,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher and its plan too.")] = False,
) -> None:
    """Say in Chinese and in English what a trace looks for; with --cypher how, and what Neo4j plans to do."""
    from graph.plan import operators
    from traces.compile import TraceCompiler
    from traces.explain import Explainer
    from traces.runner import values_of

    traces, terms = _traces()
    trace = _of(traces, name, terms)
    values = values_of(trace, _given(given))
    zh, en = Explainer(trace, values, terms).sentences()
    typer.echo(f"{trace.zh} · {trace.en}\n{zh}\n{en}")
    if not cypher:
        return

    async def run() -> None:
        async with _runner() as runner:
            compiler = TraceCompiler(trace, values, runner.today, runner.scheme, terms)
            for title, statement in (
                ("whole 全区", compiler.whole()),
                ("standing 常设", compiler.standing([])),
            ):
                plan = await runner.store.explain(statement.text, statement.parameters)
                typer.echo(f"\n{title}\n{statement.text}")
                typer.echo(json.dumps(statement.parameters, ensure_ascii=False, default=str))
                for o in operators(plan):
                    typer.echo(f"{'  ' * o.depth}{o.name} {o.details[:100]}  ≈ {o.rows:,.0f} rows")

    asyncio.run(run())


@app.command("run", epilog="Example: quanxi trace run repeat_disputes_place --set minimum=4")
def run(
    name: Annotated[
        str | None, typer.Argument(help="A trace, or a file that declares one; all of them without it.")
    ] = None,
    given: Given = None,
    past: Annotated[bool, typer.Option("--past", help="Also what would have closed by itself.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try traces over the whole district. Nothing is kept: it is what they find at this moment."""
    from traces.words import sentence

    traces, terms = _traces()
    wanted = [_of(traces, name, terms)] if name is not None else list(traces.values())
    values = _given(given)
    if values and name is None:
        raise UsageError("BAD_ARGUMENT", "--set 须与一个模型同用", "--set goes with the name of one trace")

    async def ask() -> list[dict[str, Any]]:
        rows = []
        async with _runner() as runner:
            for trace in wanted:
                found = await runner.whole(trace, values)
                episodes = [(s, e) for s, r in found.items() for e in r.episodes if e.open or past]
                titles = await runner.titles(trace, [s for s, _ in episodes])
                for subject, episode in sorted(episodes, key=lambda x: (-x[1].last, x[0])):
                    zh, en = sentence(trace, episode, titles.get(subject, subject))
                    rows.append(
                        {
                            "trace": trace.trace, "subject": subject, "sentence_zh": zh, "sentence_en": en,
                            "count": episode.count, "days": episode.days, "open": episode.open, "shown_by": list(episode.ids),
                        }
                    )  # fmt: skip
        return rows

    rows = asyncio.run(ask())
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("trace", Column("finding 预警", overflow="fold"), "shown by")
    for row in rows:
        table.add_row(
            row["trace"], f"{row['sentence_zh']}\n[dim]{row['sentence_en']}", str(len(row["shown_by"]))
        )
    console.print(table)
    console.print(f"{len(rows):,} in all; nothing was kept 仅为试算,未作记录")


@app.command(
    "backtest", epilog="Example: quanxi trace backtest repeat_disputes_place --set minimum=4 --months 6"
)
def backtest(
    name: Name,
    given: Given = None,
    months: Annotated[int, typer.Option(min=1, max=60, help="How many months back, up to today.")] = 6,
    every: Annotated[int, typer.Option(min=1, max=92, help="Days from one look to the next.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try a trace on past months: findings a week, what other traces had of them, and what people had judged. Nothing is kept."""
    from dataclasses import asdict
    from datetime import date, timedelta

    from commands.batches import Opened
    from ledger import FindingLog
    from traces.backtest import Backtest
    from traces.backtest import backtest as tried

    traces, terms = _traces()
    trace = _of(traces, name, terms)
    values = _given(given)

    async def ask() -> Backtest:
        async with _runner() as runner:
            today = date.fromisoformat(runner.today)
            with Opened() as loader:
                # Whole weeks that end today.
                since = today - timedelta(days=every * max(1, round(months * 30.44 / every)))
                return await tried(runner, trace, since, today, every, values, FindingLog(loader.ledger))

    told = asyncio.run(ask())
    if as_json:
        shown = asdict(told) | {"per_week": round(told.per_week, 2), "precision": told.precision}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    table = Table("day 日期", "found 新增", "returned 复发", "cleared 消除", "standing 在列")
    for look in told.looks:
        table.add_row(look.day, str(look.found), str(look.returned), str(look.cleared), str(look.standing))
    console.print(table)
    console.print(
        f"{told.per_week:.1f} findings a week 每周新增; what stood at the first look was there before 首次所见不计"
    )
    for other, shared in sorted(told.shared.items(), key=lambda x: (-x[1], x[0])):
        console.print(f"{shared:,} of {len(told.found):,} share evidence with 与此重合: {other}")
    judged = told.confirmed + told.dismissed
    if judged or told.missed:
        share = f", {told.precision:.2f}" if told.precision is not None else ""
        console.print(
            f"judged 已判: {told.confirmed:,} of {judged:,} were so 属实{share}; {told.missed:,} confirmed ones it would have missed 漏"
        )


@app.command("publish", epilog="Example: quanxi trace publish noise_in_rented_building.yaml")
def publish(
    file: Annotated[Path, typer.Argument(help="A file that declares a trace.")],
) -> None:
    """Have a trace stand from now on, as the next version of its name. What its first look finds is told to nobody; earlier findings stay."""
    from traces.catalogue import read_trace
    from traces.trial import publish as published

    # First by its path, so that a mistake is told with file and line.
    read_trace(file, _traces()[1])

    async def run() -> Published:
        async with _runner() as runner:
            with _standing() as traces:
                return await published(traces, file.read_text("utf-8"), getpass.getuser(), runner)

    done = asyncio.run(run())
    told = "published 已发布" if done.changed else "stands already 与现行版本相同"
    console.print(f"{done.trace.trace} version {done.trace.version}: {told}")


@app.command("withdraw", epilog="Example: quanxi trace withdraw noise_in_rented_building")
def withdraw(
    name: Annotated[str, typer.Argument(help="A published trace.")],
) -> None:
    """Take back what was published of a trace; the catalogue's own stands again, else its findings close."""
    with _standing() as traces:
        again = traces.withdraw(name, getpass.getuser())
    console.print(
        "withdrawn 已撤回"
        + (f"; version {again.version} of the catalogue stands 恢复目录版本" if again else "")
    )


@app.command("versions", epilog="Example: quanxi trace versions noise_in_rented_building")
def versions(name: Annotated[str, typer.Argument(help="A trace.")]) -> None:
    """List what was published of a trace, and when it was withdrawn."""
    from commands.batches import Opened
    from ledger.publications import Publications

    with Opened() as loader:
        held = Publications(loader.ledger).history(name)
    table = Table("version", "at", "by", "")
    for p in held:
        table.add_row(str(p.version), p.at, p.by, "published 发布" if p.declaration else "withdrawn 撤回")
    console.print(table)


@contextmanager
def _standing() -> Iterator[StandingTraces]:
    from commands.batches import Opened
    from ledger.publications import Publications
    from traces.standing import StandingTraces

    with Opened() as loader:
        yield StandingTraces(
            current_settings().catalog, loader.terms, Publications(loader.ledger), loader.clock
        )


def score(truth: Path, *, as_json: bool) -> None:
    """Print how well each trace finds what the answer key says."""
    from traces.score import score as scored

    traces, _ = _traces()

    async def ask() -> dict[str, dict[str, Any]]:
        found = {}
        async with _runner() as runner:
            for trace in traces.values():
                told = await scored(runner, trace, truth)
                if told is not None:
                    found[trace.trace] = told
        return found

    result = asyncio.run(ask())
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    print_scores(result)


def _traces() -> tuple[Mapping[str, Trace], Terms]:
    return standing_traces(current_settings())


def _of(traces: Mapping[str, Trace], name: str, terms: Terms) -> Trace:
    from ontology.declared import nearest
    from traces.catalogue import read_trace

    if name.endswith((".yaml", ".yml")):
        return read_trace(Path(name), terms)
    if name not in traces:
        raise UsageError(
            "BAD_ARGUMENT", f"没有名为 {name} 的模型", f"no trace is called {name!r}{nearest(name, traces)}"
        )
    return traces[name]


def _given(given: list[str] | None) -> dict[str, int]:
    found = {}
    for each in given or ():
        name, _, number = each.partition("=")
        if not number.strip().lstrip("-").isdecimal():
            raise UsageError(
                "BAD_ARGUMENT", f"应为 参数=整数:{each}", f"--set takes name=number, not {each!r}"
            )
        found[name.strip()] = int(number)
    return found


class _runner:
    """The runner on the graph that the settings name."""

    def __init__(self) -> None:
        self._store: Any = None

    async def __aenter__(self) -> Runner:
        from loaders.wiring import catalog_scheme, catalog_terms_root
        from ontology.terms import load_terms
        from traces.runner import Runner

        settings = current_settings()
        self._store = graph_of(settings, lambda stage, done, total: None).open()
        store = await self._store.__aenter__()
        terms = load_terms(catalog_terms_root(settings.catalog))
        today = district_clock(settings).today_text()
        return Runner(store, catalog_scheme(settings.catalog), terms, today)

    async def __aexit__(self, *told: Any) -> None:
        await self._store.__aexit__(*told)
