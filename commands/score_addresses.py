"""`quanxi score --addresses`: how well address texts are read, against the answer key of a seeded district."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import typer
from rich.table import Table

from addresses.index import Index
from addresses.resolution import Resolver
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from commands.common import console
from ontology.errors import UsageError
from seed.address_base import parents_of, places_of, read_address_feed
from seed.score_addresses import AddressScore, score_addresses

TEXTS = "address_texts.parquet"


def texts_of(district: Path, *, training: bool, profile: str | None, first: int | None) -> pl.DataFrame:
    """The texts of a district's answer key: those of the examination, or those for training.

    Args:
        district: the directory that `quanxi seed` wrote, or its `truth/`.
        profile: only this one; first: at most so many texts of each.

    Raises:
        UsageError: `BAD_FILE` when there are none, `BAD_ARGUMENT` for a profile that the file does not have.
    """
    path = _truth(district) / TEXTS
    if not path.is_file():
        raise UsageError(
            "BAD_FILE", f"{path} 不存在。", f"{path} does not exist.", "Seed the district again: `quanxi seed DIR`."
        )  # fmt: skip
    frame = pl.read_parquet(path).filter(pl.col("examination") != training)
    profiles = frame["profile"].unique(maintain_order=True).to_list()
    if profile is not None and profile not in profiles:
        raise UsageError(
            "BAD_ARGUMENT", f"没有配置为 {profile} 的地址文本。", f"No texts are of profile {profile!r}.", f"One of {', '.join(profiles)}."
        )  # fmt: skip
    if profile is not None:
        frame = frame.filter(pl.col("profile") == profile)
    if first is not None:
        number = pl.col("id").rank("dense").over("profile")
        frame = frame.filter(number <= first)
    return frame


def _truth(district: Path) -> Path:
    return district if district.name == "truth" else district / "truth"


def score_district(district: Path, texts: pl.DataFrame, resolver: Resolver | None = None) -> AddressScore:
    """Scores the texts by a resolver, or by our own over the district's address feed.

    Raises:
        UsageError: `BAD_FILE` when the district has no address feed.
    """
    rows = read_address_feed(_truth(district).parent)
    reader = resolver or AddressResolver(Index.of(load_scheme(), places_of(rows)))
    return score_addresses(texts, reader, parents_of(rows).get)


def show(score: AddressScore, *, failures: int) -> None:
    """Prints the tables."""
    table = Table("", "level", "texts", "exact", "above", "wrong", "none", "ceiling", "of it")
    for column in table.columns:
        column.no_wrap = True
    for (profile, level), line in score.table().items():
        r = line.rows()
        table.add_row(
            profile, level, f"{r['texts']:,}", *(f"{r[k]:.4f}" for k in ("exact", "above", "wrong", "unresolved", "ceiling", "of_ceiling"))
        )  # fmt: skip
    console.print(table)
    table = Table("confidence 可信度", "answers", "mean", "right")
    for b in score.calibration():
        table.add_row(f"{b.low:.2f}–{b.high:.2f}", f"{b.answers:,}", f"{b.confidence:.4f}", f"{b.share:.4f}")
    console.print(table)
    for profile, count in score.extra.items():
        if count:
            console.print(f"{profile}: {count} places answered in sentences where none stands")
    if failures:
        table = Table("text", "meant", "answered", "verdict")
        wanted = ("text", "start", "end", "code", "answer", "outcome", "verdict")
        for text, start, end, code, answer, outcome, verdict in (
            score.failures(failures).select(wanted).iter_rows()
        ):
            shown = (
                f"{text[:start]}【{text[start:end]}】{text[end:]}" if (start, end) != (0, len(text)) else text
            )
            table.add_row(shown, code, answer or outcome, verdict)
        console.print(table)


def run(
    district: Path,
    *,
    training: bool,
    profile: str | None,
    first: int | None,
    failures: int,
    as_json: bool,
    resolver: Resolver | None = None,
) -> None:
    """The command."""
    score = score_district(
        district, texts_of(district, training=training, profile=profile, first=first), resolver
    )
    if as_json:
        typer.echo(json.dumps(score.rows(), ensure_ascii=False, indent=2))
    else:
        show(score, failures=failures)
