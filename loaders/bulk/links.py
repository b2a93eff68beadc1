"""Claimed relationships → relationships as they stand, by the rules of `loaders.fold`, column by column.

The frames hold all that is claimed for their owners. Only where records give one relationship several times to last are
these joined one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from loaders.bulk.tables import LinkTable
from loaders.disagreements import Said, contradicting, places_said
from loaders.fold import Places, union
from ontology import ONTOLOGY
from ontology.clock import OPEN_END

NAME = ["__start", "__end", "__role"]
# The surer, the more trusted, the newer.
RANK = ["__sure", "__trust", "__effective", "__hash"]


@dataclass(slots=True)
class Span:
    """How long a row says that a relationship lasts (`loaders.fold.Lasting`)."""

    row: int
    start: str | None
    until: str


def standing(table: LinkTable, frame: pl.DataFrame) -> pl.DataFrame:
    """The claimed rows that are left, one for each time that a relationship lasts; `__until` may be another then."""
    # As the fold meets them: records in the order of their feeds and keys.
    frame = frame.sort("__feed", "__rkey", "__slot")
    if table.places:
        frame = _surest(frame)
    if not ONTOLOGY.links[table.type].history:
        return frame.unique(NAME, keep="first", maintain_order=True)
    several = pl.struct(NAME).is_duplicated()
    times = frame.filter(several)
    if not times.height:
        return frame
    differing = times.group_by(NAME).agg(pl.struct("__since", "__until").n_unique().alias("n"))
    differing = differing.filter(pl.col("n") > 1).select(NAME)
    alike = times.join(differing, on=NAME, how="anti", maintain_order="left")
    alike = alike.unique(NAME, keep="first", maintain_order=True)
    apart = times.join(differing, on=NAME, how="semi", maintain_order="left").with_row_index("__row")
    kept: list[Span] = []
    groups = apart.group_by(NAME, maintain_order=True).agg("__row", "__since", "__until")
    for rows, sinces, untils in groups.select("__row", "__since", "__until").iter_rows():
        kept += union(Span(*each) for each in zip(rows, sinces, untils, strict=True))
    untils = pl.DataFrame(
        {
            "__row": pl.Series([s.row for s in kept], dtype=apart.schema["__row"]),
            "__until": pl.Series([s.until for s in kept], dtype=pl.String),
        }
    )
    joined = apart.drop("__until").join(untils, on="__row").drop("__row").select(frame.columns)
    return pl.concat([frame.filter(~several), alike, joined])


def _surest(frame: pl.DataFrame) -> pl.DataFrame:
    """Where records give a thing several places for the present, the rows without all but the surest of these."""
    names = frame.select(NAME).unique()
    starts = names.filter(pl.col("__start").is_duplicated()).select("__start").unique()
    if not starts.height:
        return frame
    several = frame.join(starts, on="__start", how="semi", maintain_order="left")
    last = pl.col("__until") == pl.col("__until").max().over("__start")
    several = several.with_columns(last.alias("__last"))
    several = several.with_columns(pl.col("__last").any().over(NAME).alias("__present"))
    best = several.filter("__present").sort(*RANK, "__end", "__role").group_by("__start").last().select(NAME)
    several = several.join(
        best.with_columns(pl.lit(True).alias("__best")), on=NAME, how="left", maintain_order="left"
    )
    several = several.filter(pl.col("__best").fill_null(False) | ~pl.col("__last"))
    rest = frame.join(starts, on="__start", how="anti", maintain_order="left")
    return pl.concat([rest, several.select(frame.columns)]).sort("__feed", "__rkey", "__slot")


def relationships(table: LinkTable, frame: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Standing rows as relationships: `start`, `end`, `k` and their values.

    Args:
        facts: what is derived from a place's code (`__code`, `place`, `grid`).
    """
    declared = ONTOLOGY.links[table.type]
    fields = [c for c in frame.columns if not c.startswith("__")]
    out = [pl.col("__start").alias("start"), pl.col("__end").alias("end")]
    since = pl.col("__since").fill_null("") if declared.history else pl.lit("")
    if declared.history:
        out += [pl.col("__since").alias("since"), pl.col("__until").alias("until")]
    # Never empty: the import tool takes an empty text for none.
    out.append(pl.concat_str(pl.col("__role"), pl.lit("|"), since).alias("k"))
    if "__text" in frame.columns:
        doubtful = pl.col("__sure") < 1.0
        out.append(pl.when(doubtful).then(pl.col("__sure")).alias("confidence"))
        out.append(pl.when(doubtful & (pl.col("__text") != "")).then(pl.col("__text")).alias("text"))
    if table.type == "LIVES_AT" and "__code" in frame.columns:
        frame = frame.join(
            facts.select("__code", "place", "grid"), on="__code", how="left", maintain_order="left"
        )
        out += [pl.col("__start").alias("who"), pl.col("place"), pl.col("grid")]
    return frame.select(*out, *fields)


def disagreeing(
    table: LinkTable,
    claimed: pl.DataFrame,
    made: pl.DataFrame,
    places: Places,
    departments: Mapping[str, str],
) -> Iterator[Said]:
    """Where departments have a thing in several places at present (`loaders.disagreements`).

    Args:
        claimed: the rows of a table that places things. made: the relationships that they come to.
    """
    present = claimed.filter(pl.col("__until") == OPEN_END)
    ends = present.sort(*RANK, "__feed", "__end").group_by("__start", "__feed").agg(pl.col("__end").last())
    several = (
        ends.group_by("__start")
        .agg(pl.col("__end").n_unique().alias("n"))
        .filter(pl.col("n") > 1)
        .select("__start")
    )
    ends = ends.join(several, on="__start", how="semi")
    if not ends.height:
        return
    shown = made.join(several, left_on="start", right_on="__start", how="semi").sort("end", "k")
    stands = dict(shown.group_by("start").agg(pl.col("end").first()).iter_rows())
    for id, feeds, addresses in ends.group_by("__start").agg("__feed", "__end").iter_rows():
        values, held = places_said(dict(zip(feeds, addresses, strict=True)), stands.get(id), places)
        yield from contradicting(id, table.type, values, held, departments)
