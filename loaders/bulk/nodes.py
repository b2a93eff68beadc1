"""Claimed values → nodes as they stand, by the rules of `loaders.fold`, column by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from loaders.bulk.tables import LinkTable, typed
from loaders.disagreements import Said, contradicting, may_differ
from loaders.reports import Props, of_reports
from ontology import ONTOLOGY
from ontology.terms import CLOSED_STATES

RANK = ("__trust", "__effective", "__hash")
# Of two that rank alike the first that the fold would meet wins, and so comes last.
MET = ("__feed", "__rkey", "__slot")
FIRST_MET = [False, False, False, True, True, True]


def chosen(claims: pl.DataFrame) -> pl.DataFrame:
    """Of each id its values: of what several records say the most trusted, among equals the newest."""
    fields = [c for c in claims.columns if c != "id" and not c.startswith("__")]
    alone = ~pl.col("id").is_duplicated()
    single = claims.filter(alone).select("id", *fields)
    several = claims.filter(~alone)
    if not several.height:
        return single
    ranked = several.sort(*RANK, *MET, descending=FIRST_MET)
    best = ranked.group_by("id").agg(pl.col(f).drop_nulls().last() for f in fields)
    return pl.concat([single, best.select(single.columns)])


def as_reported(claims: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Incidents as `loaders.reports` has them where several reports tell of one, the others as they are.

    Args:
        claims: all claims of the ids. nodes: what is chosen among them.
    """
    if "number" not in claims.columns:
        return nodes
    reports = claims.filter(pl.col("id").is_duplicated() & pl.col("number").is_not_null())
    several = reports.group_by("id").agg(pl.col("number").n_unique()).filter(pl.col("number") > 1)
    if not several.height:
        return nodes
    reports = reports.join(several, on="id", how="semi").sort(*RANK, *MET, descending=FIRST_MET)
    reports = reports.unique(["id", "number"], keep="last")
    told: dict[str, list[Props]] = defaultdict(list)
    for row in reports.select(nodes.columns).iter_rows(named=True):
        told[row["id"]].append({name: value for name, value in row.items() if value is not None})
    whole = [
        of_reports({name: value for name, value in row.items() if value is not None}, told[row["id"]])
        for row in nodes.join(several, on="id", how="semi").iter_rows(named=True)
    ]
    made = typed("Incident", whole)
    # What is derived from them comes later.
    made = made.select(c for c in made.columns if c in nodes.columns or made[c].null_count() < made.height)
    return pl.concat([nodes.join(several, on="id", how="anti"), made], how="diagonal")


def contradicted(
    label: str, claims: pl.DataFrame, nodes: pl.DataFrame, departments: Mapping[str, str]
) -> Iterator[Said]:
    """Where departments say two things of one field (`loaders.disagreements`).

    Args:
        claims: all claims of the ids. nodes: what they come to.
    """
    several = claims.filter(pl.col("id").is_duplicated())
    fields = [
        f
        for f in sorted(claims.columns)
        if f != "id"
        and not f.startswith("__")
        and claims.schema[f].base_type() != pl.List
        and not may_differ(label, f)
    ]
    for field in fields:
        said = several.filter(pl.col(field).is_not_null()).select(
            "id", field, *RANK, "__feed", "__rkey", "__slot"
        )
        differ = said.group_by("id").agg(
            (pl.col(field).n_unique() > 1).alias("differ"), (pl.col("__feed").n_unique() > 1).alias("feeds")
        )
        ids = differ.filter(pl.col("differ") & pl.col("feeds")).select("id")
        if not ids.height:
            continue
        said = said.join(ids, on="id", how="semi").sort(*RANK, "__feed", "__rkey", "__slot")
        best = said.group_by("id", "__feed").agg(pl.col(field).last())
        shown = dict(nodes.join(ids, on="id", how="semi").select("id", field).iter_rows())
        for id, feeds, values in best.group_by("id").agg("__feed", field).iter_rows():
            of = dict(zip(feeds, values, strict=True))
            yield from contradicting(id, field, of, shown.get(id), departments)


def derived(
    label: str,
    nodes: pl.DataFrame,
    links: Mapping[LinkTable, pl.DataFrame],
    lost: pl.DataFrame,
    facts: pl.DataFrame,
) -> pl.DataFrame:
    """The nodes with what follows from their relationships and other values.

    Args:
        links: the relationships that are kept with them.
        lost: `id`, `text`: what they say of a place that nobody knows, for those without any.
        facts: what is derived from a place: `id`, `__code`, `place`, `own_place`, `grid`, `place_level`, `street`, `community`.
    """
    if label == "Address":
        own = facts.select(pl.col("__code").alias("code"), pl.col("own_place").alias("place"), "grid")
        nodes = nodes.join(own, on="code", how="left", maintain_order="left")
        above = [f for t, f in links.items() if t.type == "IN" and f.height]
        if above:
            codes = facts.select(pl.col("id").alias("end"), pl.col("__code").alias("parent"))
            last = pl.concat(above, how="diagonal").sort("until", "end").group_by("start").last()
            last = last.select("start", "end").join(codes, on="end").select(
                pl.col("start").alias("id"), "parent"
            )  # fmt: skip
            nodes = nodes.join(last, on="id", how="left", maintain_order="left")
    elif ONTOLOGY.entities[label].placed and label != "Person":
        nodes = _with_place(label, nodes, [f for t, f in links.items() if t.places and f.height], lost, facts)
    if label == "Incident" and "occurred_at" in nodes.columns:
        day = pl.col("occurred_at").str.slice(0, 10).str.to_date("%Y-%m-%d")
        nodes = nodes.with_columns(day.cast(pl.Int32).cast(pl.Int64).alias("day"))
    if label == "Matter":
        nothing = pl.lit(None, dtype=pl.String)
        closed_at = pl.col("closed_at") if "closed_at" in nodes.columns else nothing
        state = pl.col("state") if "state" in nodes.columns else nothing
        closed = state.is_in(list(CLOSED_STATES)).fill_null(False)
        nodes = nodes.with_columns((closed_at.is_null() & ~closed).alias("open"))
    return nodes


def _with_place(
    label: str, nodes: pl.DataFrame, places: Sequence[pl.DataFrame], lost: pl.DataFrame, facts: pl.DataFrame
) -> pl.DataFrame:
    for name, dtype in (("place_text", pl.String), ("place_confidence", pl.Float64)):
        if name not in nodes.columns:
            nodes = nodes.with_columns(pl.lit(None, dtype=dtype).alias(name))
    levels = ("street", "community") if label == "Incident" else ()
    if places:
        at = pl.concat(places, how="diagonal")
        for name, dtype in (
            ("text", pl.String),
            ("confidence", pl.Float64),
            ("since", pl.String),
            ("until", pl.String),
        ):
            if name not in at.columns:
                at = at.with_columns(pl.lit(None, dtype=dtype).alias(name))
        # Where there are several, the last.
        at = at.sort(pl.col("until").fill_null(""), pl.col("since").fill_null(""), "end")
        at = at.group_by("start").agg(pl.col("end", "confidence", "text").last())
        derived = facts.select(pl.col("id").alias("end"), "place", "grid", "place_level", *levels)
        at = at.join(derived, on="end", how="left").drop("end")
        nodes = nodes.join(at, left_on="id", right_on="start", how="left", maintain_order="left")
        nodes = nodes.with_columns(
            pl.coalesce("text", "place_text").alias("place_text"),
            pl.coalesce("confidence", "place_confidence").alias("place_confidence"),
        ).drop("text", "confidence")
    if lost.height:
        texts = lost.select("id", pl.col("text").alias("__lost"))
        nodes = nodes.join(texts, on="id", how="left", maintain_order="left")
        known = pl.col("__lost").is_not_null()
        nodes = nodes.with_columns(
            pl.when(known).then(pl.col("__lost")).otherwise(pl.col("place_text")).alias("place_text"),
            pl.when(known).then(0.0).otherwise(pl.col("place_confidence")).alias("place_confidence"),
        ).drop("__lost")
    return nodes
