"""The `quanxi` command."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands import (
    batches,
    catalog,
    disagreements,
    feeds,
    findings,
    links,
    plates,
    quarantine,
    resolve,
    retention,
    traces,
    unplaced,
    webhooks,
)
from commands.common import (
    Bars,
    Step,
    connect,
    console,
    current_settings,
    district_clock,
    graph_of,
    make_loader,
    print_scores,
    print_summary,
    use_settings,
)
from ontology.errors import QuanxiError, UsageError

errors = Console(stderr=True)


class _App(typer.Typer):
    """Tells an error of ours in both languages and exits with its code; a stack trace is for our mistakes only."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except QuanxiError as error:
            tell(error)
            sys.exit(error.exit_code)
        except (OSError, sqlite3.OperationalError) as error:
            told = storage_error(error)
            tell(told)
            sys.exit(told.exit_code)


app = _App(
    help="Quanxi 全息: everything a district knows about a place, in one graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
engine_app = typer.Typer(help="The bundled Neo4j of the data directory.", no_args_is_help=True)
app.add_typer(engine_app, name="engine")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(batches.app, name="batch")
app.add_typer(catalog.app, name="catalog")
app.add_typer(feeds.app, name="feeds")
app.add_typer(links.app, name="link")
app.add_typer(plates.app, name="plate")
app.add_typer(retention.app, name="retention")
app.add_typer(resolve.app, name="resolve")
app.add_typer(traces.app, name="trace")
app.add_typer(findings.app, name="finding")
app.add_typer(webhooks.app, name="webhook")
app.command(epilog="Example: quanxi unplaced --feed residents --outcome ask")(unplaced.unplaced)
app.command(epilog="Example: quanxi disagreements --department 公安 -o 公安_待核实.xlsx")(
    disagreements.disagreements
)


push_app = typer.Typer(help="Who may push rows over HTTP.", no_args_is_help=True)
app.add_typer(push_app, name="push")


def storage_error(error: OSError | sqlite3.Error) -> UsageError:
    """What a file, a directory or a disk refused, as an error of ours."""
    if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error):
        return UsageError(
            "DISK_FULL", "磁盘已满", f"the disk is full: {error}", "Free some space, then run it again."
        )
    return UsageError(
        "BAD_STORAGE",
        "文件或目录无法读写",
        f"a file or directory cannot be used: {error}",
        "Check that it exists, is of the right kind, and that you may read and write it.",
    )


def tell(error: QuanxiError) -> None:
    errors.print(f"[bold red]{error.code}[/] {error.zh}", highlight=False, soft_wrap=True)
    errors.print(f"  {error.en}", highlight=False, soft_wrap=True, markup=False)
    if error.hint:
        errors.print(f"  → {error.hint}", style="yellow", highlight=False, soft_wrap=True, markup=False)


def main() -> None:
    """The entry point of the `quanxi` script."""
    app()


@app.callback()
def _settings_of(
    data: Annotated[Path | None, typer.Option(help="Data directory (QUANXI_DATA; default .quanxi).")] = None,
    catalog: Annotated[
        Path | None, typer.Option(help="Another district's catalogue (QUANXI_CATALOG).")
    ] = None,
) -> None:
    """Everything a district knows about a place. Example: quanxi demo"""
    from pydantic import ValidationError

    from settings import Settings

    given: dict[str, Any] = {}
    if data is not None:
        given["data"] = data
    if catalog is not None:
        given["catalog"] = catalog
    try:
        use_settings(Settings(**given))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(p) for p in first["loc"])
        raise UsageError(
            "BAD_SETTING", f"设置 {name} 有误:{first['msg']}", f"setting {name}: {first['msg']}"
        ) from None


@app.command(epilog="Example: quanxi seed district --scale 0.01 --seed 7 --until 2025-12-15 --noise normal")
def seed(
    directory: Annotated[Path, typer.Argument(help="Where to write feeds/, truth/ and manifest.json.")],
    scale: Annotated[float, typer.Option(help="1.0 is a district of 2.56 million people.")] = 0.01,
    seed: Annotated[int, typer.Option(help="The same seed gives the same district.")] = 7,
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day of the district's history.")
    ] = datetime(2025, 12, 15),  # noqa: DTZ001 — a day, as typer hands it over
    noise: Annotated[str, typer.Option(help="clean, normal or hard.")] = "normal",
    plant: Annotated[
        list[str] | None, typer.Option(help="What to plant, such as repeat-disputes=40.")
    ] = None,
    area: Annotated[list[str] | None, typer.Option(help="Fill only communities under this code.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Write only this feed.")] = None,
    texts: Annotated[
        int, typer.Option(help="Messy address texts of each profile, for training and again for examination.")
    ] = 500,
    scenario: Annotated[Path | None, typer.Option(help="A drawn district (YAML).")] = None,
) -> None:
    """Write a synthetic district's department feeds and its answer key. Nobody in it is real."""
    from seed import SeedOptions, seed_district

    plants: dict[str, int] = {}
    for item in plant or []:
        name, _, number = item.partition("=")
        if not number.isdigit():
            raise UsageError(
                "BAD_ARGUMENT", f"--plant {item} 应为 名称=数量", f"--plant {item}: write it as name=number"
            )
        plants[name] = int(number)
    options = SeedOptions(
        scale=scale,
        seed=seed,
        until=until.date(),
        noise=noise,
        plant=plants,
        areas=tuple(area or ()),
        only=tuple(only or ()),
        texts=texts,
        scenario=scenario,
    )
    with Bars() as step:
        manifest = seed_district(directory, options, step)
    table = Table("feed", "rows", title=f"{directory} · synthetic · until {until.date()}")
    for name, count in manifest.counts.items():
        table.add_row(name, f"{count:,}")
    console.print(table)


async def _load(settings: Any, paths: list[Path], feed: str | None, step: Step) -> Any:
    from loaders.load import load
    from loaders.outlines import keep_outlines

    directory = paths[0] if paths and paths[0].is_dir() else None
    if directory is not None:
        keep_outlines(directory, settings.data)
    loader = make_loader(settings, directory, step)
    try:
        return await load(loader, graph_of(settings, step), paths, feed)
    finally:
        loader.close()


@app.command(epilog="Example: quanxi load district   or   quanxi load 公安_警情_20251215.csv")
def load(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Feed files, or a directory of them.", show_default=False)
    ] = None,
    feed: Annotated[str | None, typer.Option(help="Force the feed that the files belong to.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="QUANXI_DATABASE",
            help="A department's SQL database instead of files, as postgresql://user@host/name or sqlite:///file; with --feed.",
        ),
    ] = None,
    table: Annotated[str | None, typer.Option(help="Which of its tables.")] = None,
    query: Annotated[str | None, typer.Option(help="Or a query, which is run read-only.")] = None,
) -> None:
    """Load feed files into the graph; loading the same again changes nothing."""
    if table is not None or query is not None:
        _load_sql(database, feed, table, query, paths, dry_run)
        return
    if not paths:
        raise UsageError(
            "BAD_ARGUMENT",
            "请指定文件,或用 --database 与 --table 指定数据库的表",
            "name files, or a database's table with --database and --table",
            "Example: quanxi load district",
        )
    if dry_run:
        _dry_run(current_settings(), paths, feed)
        return
    with Bars() as step:
        summary = asyncio.run(_load(current_settings(), paths, feed, step))
    print_summary(summary)


def _load_sql(
    database: str | None,
    feed: str | None,
    table: str | None,
    query: str | None,
    paths: list[Path] | None,
    dry_run: bool,
) -> None:
    from loaders.load import load_sql

    if database is None or feed is None or (table is None) == (query is None) or paths or dry_run:
        raise UsageError(
            "BAD_ARGUMENT",
            "数据库须有 --database、--feed 以及 --table 或 --query 之一,不能与文件或 --dry-run 同用",
            "a database needs --database, --feed and one of --table and --query, and neither files nor --dry-run",
            "Example: quanxi load --database sqlite:///gongan.db --table 实有人口 --feed residents",
        )
    with Bars() as step:
        settings = current_settings()
        loader = make_loader(settings, None, step)
        try:
            target = graph_of(settings, step)
            summary = asyncio.run(load_sql(loader, target, database, feed, query, table))
        finally:
            loader.close()
    print_summary(summary)


def _dry_run(settings: Any, paths: list[Path], feed: str | None) -> None:
    from commands.dry_run import tell as tell_trial
    from loaders.trial import try_load

    directory = paths[0] if paths and paths[0].is_dir() else None
    with Bars() as step:
        trial = try_load(
            settings.data,
            settings.catalog,
            district_clock(settings, directory, keep=False),
            paths,
            feed,
            keyring=settings.keyring(),
            bundled=settings.neo4j_uri is None,
            progress=step,
        )
    tell_trial(trial)


@app.command(epilog="Example: quanxi apply --follow")
def apply(
    follow: Annotated[bool, typer.Option("--follow", help="Go on: apply whatever comes.")] = False,
    until_input_ends: Annotated[bool, typer.Option("--until-input-ends", hidden=True)] = False,
) -> None:
    """Apply what was pushed and what else waits."""
    from loaders.applier import Applier, follow_until_told
    from web.logs import set_up_logging

    settings = current_settings()
    loader = make_loader(settings)
    applier = Applier(
        loader, graph_of(settings, lambda stage, done, total: None), lambda: district_clock(settings)
    )
    if follow:
        set_up_logging(settings.log_level)
        asyncio.run(follow_until_told(applier, until_input_ends=until_input_ends))
        return
    try:
        summary = asyncio.run(applier.once(wait=600.0))
    finally:
        applier.close()
    if summary is None:
        console.print("nothing waits 没有待入图的内容")
    else:
        print_summary(summary)


@push_app.command("token", epilog="Example: quanxi push token alarms")
def push_token(
    feed: Annotated[str, typer.Argument(help="The feed that it is for.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all tokens of the feed worthless.")] = False,
) -> None:
    """Make a token for pushing rows of a feed; it is shown once and kept as a hash."""
    from ledger import Pushes

    loader = make_loader(current_settings())
    try:
        loader.feed_of(Path(), feed)
        pushes = Pushes(loader.ledger)
        if revoke:
            console.print(f"{pushes.revoke_tokens(feed)} revoked 已作废")
        else:
            typer.echo(pushes.make_token(feed))
    finally:
        loader.close()


@app.command(epilog="Example: quanxi rebuild")
def rebuild() -> None:
    """Make the whole graph again from the ledger alone."""
    from loaders.load import rebuild as make_again

    settings = current_settings()
    with Bars() as step:
        loader = make_loader(settings, None, step)
        try:
            summary = asyncio.run(make_again(loader, graph_of(settings, step)))
        finally:
            loader.close()
    print_summary(summary)


@app.command(epilog="Example: quanxi why per_abc… name")
def why(
    id: Annotated[str, typer.Argument(help="The id of a node.")],
    field: Annotated[
        str | None,
        typer.Argument(
            help="One of its fields, or a relationship such as LIVES_AT; all fields when left out."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where a value comes from: feed, file, row, when, by which rule, and what other feeds said."""
    from loaders.why import Explainer

    loader = make_loader(current_settings())
    facts = Explainer(loader, loader.ledger).facts(id, field)
    if as_json:
        console.print_json(json.dumps([f.as_dict() for f in facts], ensure_ascii=False))
        return
    table = Table(
        "field", "value", "", "feed", "file", "row", "as of", "rule", "taken for this one by 归入依据"
    )
    for f in facts:
        taken = "; ".join(escape(t.sentence) for t in f.taken)
        table.add_row(
            f.field,
            f.value,
            "✓" if f.chosen else "",
            f.feed,
            f.file,
            str(f.row),
            f.since or "",
            f.rule,
            taken,
        )
    console.print(table)


@app.command(epilog="Example: quanxi serve --port 8000")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (QUANXI_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port (QUANXI_PORT).")] = None,
    apply: Annotated[
        bool | None, typer.Option("--apply/--no-apply", help="Apply what is received (QUANXI_APPLY).")
    ] = None,
) -> None:
    """Serve the GraphQL API and its pages, take pushes, and apply what is received."""
    from server import run

    settings = current_settings()
    given = (("host", host), ("port", port), ("apply", apply))
    updates = {k: v for k, v in given if v is not None}
    settings = settings.model_copy(update={**updates, "today": district_clock(settings).fixed})
    run(settings)


@app.command(epilog="Example: quanxi schema > schema.graphql")
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from schema import sdl

    typer.echo(sdl(), nl=False)


@engine_app.command("start", epilog="Example: quanxi engine start")
def engine_start() -> None:
    """Start the bundled Neo4j of the data directory, or join it when it runs."""
    with Bars() as step:
        address = connect(current_settings(), step)
    console.print(f"Neo4j at {address.uri}")


@engine_app.command("stop", epilog="Example: quanxi engine stop")
def engine_stop() -> None:
    """Stop the bundled Neo4j of the data directory."""
    from graph.engine import stop_engine

    console.print("stopped" if stop_engine(current_settings().data) else "it was not running")


@engine_app.command("status", epilog="Example: quanxi engine status")
def engine_status() -> None:
    """Show version, edition, uptime, counts, disk and memory. Exit code 4 when it does not run."""
    from graph.engine import engine_status as status_of
    from graph.store import Store

    settings = current_settings()
    table = Table(show_header=False)
    if settings.neo4j_uri is None:
        found = status_of(settings.data)
        if found is None:
            console.print("not running")
            raise typer.Exit(4)
        table.add_row("process", f"{found.pid}{'' if found.ready else ' (starting)'}")
        table.add_row("uptime", str(timedelta(seconds=round(found.uptime))))
        table.add_row("memory", f"{found.memory / 2**20:,.0f} MiB")
        table.add_row("disk", f"{found.disk / 2**20:,.0f} MiB")
        table.add_row("log", str(found.log))
    else:
        table.add_row("uptime, memory, disk", "not known of a server that Quanxi did not start")

    async def ask() -> None:
        async with Store.open(connect(settings)) as store:
            info = await store.server_info()
            table.add_row("address", info.address)
            table.add_row("version", f"{info.version} {info.edition}")
            counts = await store.counts()
            table.add_row("nodes", f"{sum(counts.labels.values()):,}")
            table.add_row("relationships", f"{sum(counts.types.values()):,}")

    asyncio.run(ask())
    console.print(table)


@app.command(epilog="Example: quanxi score district/truth --json")
def score(
    truth: Annotated[Path, typer.Argument(help="The truth/ directory that `quanxi seed` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    addresses: Annotated[
        bool, typer.Option("--addresses", help="Read address texts instead; needs no loaded graph.")
    ] = False,
    traces_too: Annotated[
        bool, typer.Option("--traces", help="Score every trace that the answer key has a list for instead.")
    ] = False,
    loaded: Annotated[
        bool, typer.Option(help="Read them by the data directory's places instead of the district's feed.")
    ] = False,
    training: Annotated[bool, typer.Option(help="Texts for training instead of the examination's.")] = False,
    profile: Annotated[str | None, typer.Option(help="Only texts of this profile.")] = None,
    first: Annotated[int | None, typer.Option(help="At most so many texts of each profile.")] = None,
    failures: Annotated[int, typer.Option(help="Show so many wrong or missed texts.")] = 0,
) -> None:
    """Ask the loaded graph for repeat disputes and relapses and compare with the answer key; and who was taken for whom.

    With --addresses: how well address texts are read, by level and profile. With --traces: each trace, over the whole district.
    """
    if traces_too:
        traces.score(truth, as_json=as_json)
        return
    if addresses:
        from commands import score_addresses

        if not loaded:
            score_addresses.run(
                truth, training=training, profile=profile, first=first, failures=failures, as_json=as_json
            )
            return
        from loaders.resolving import Resolving

        held = make_loader(current_settings())
        try:
            score_addresses.run(
                truth, training=training, profile=profile, first=first, failures=failures, as_json=as_json,
                resolver=Resolving(held),
            )  # fmt: skip
        finally:
            held.close()
        return
    from demo import score_district
    from loaders.identity.score import score_incidents, score_people

    settings = current_settings()
    result = asyncio.run(score_district(settings, truth, connect))
    loader = make_loader(settings)
    try:
        people, incidents = score_people(loader, truth), score_incidents(loader, truth)
    finally:
        loader.close()
    result |= people.rows() | incidents.rows()
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    print_scores(result)
    console.print(
        f"{people.mentions:,} mentions of people without a number; {people.ceiling:.1%} are identifiable in principle"
    )
    console.print(
        f"{incidents.mentions:,} further reports of a matter; {incidents.ceiling:.1%} are identifiable in principle"
    )


@app.command(epilog="Example: quanxi demo --check")
def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Ask the headline queries, stop, exit 0 or 1.")
    ] = False,
    scale: Annotated[float, typer.Option(help="Scale of the district.")] = 0.01,
) -> None:
    """Seed a district, load it, serve it: the whole way once."""
    from demo import run_demo

    sys.exit(
        run_demo(
            current_settings(),
            check=check,
            scale=scale,
            bars=Bars,
            load=_load,
            connect=connect,
            summarise=print_summary,
        )
    )


if __name__ == "__main__":
    main()
