"""What records say of the incidents that they report, column by column, as `IncidentLinker.claimed` says it of each."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from loaders.bulk.claims import mapped
from loaders.bulk.people import kept_traits, near_code
from loaders.bulk.placements import Placements
from loaders.bulk.spool import Spool
from loaders.declaration import Feed
from loaders.identity.incidents import (
    FOLLOWS,
    INVOLVED,
    NUMBER,
    PARTY,
    PLACED,
    REPORT,
    REPORTER,
    SCENE,
    SCENE_SEPARATOR,
    IncidentLinker,
    topic_of,
)
from loaders.mapping import SEPARATOR

RECORD = ["__feed", "__rkey", "__effective", "__hash"]


def report_traits(
    spool: Spool,
    feeds: Mapping[str, Feed],
    linker: IncidentLinker,
    placements: Placements,
    same: pl.DataFrame | None,
) -> dict[str, pl.LazyFrame]:
    """Kind → traits (`raw`, `value`) of the raw incidents in a spool, which keeps them in its tables `trait.`.

    Args:
        same: `raw`, `same`: persons, and those they are known as.
    """
    for feed in feeds.values():
        if feed.reporting is not None:
            _traits_of_feed(spool, feed, linker, placements, same)
    traits = kept_traits(spool)
    if REPORT not in traits:
        return {}
    # What is said of an incident that no record reports is nothing.
    reported = traits[REPORT].select("raw").unique().collect()
    for kind in traits:
        held = spool.get(f"trait.{kind}").join(reported, on="raw", how="semi")
        spool.drop(f"trait.{kind}")
        spool.put(f"trait.{kind}", held)
    return kept_traits(spool)


def _traits_of_feed(
    spool: Spool, feed: Feed, linker: IncidentLinker, placements: Placements, same: pl.DataFrame | None
) -> None:
    name, reporting = feed.feed, feed.reporting
    assert reporting is not None
    said = spool.get("node.Incident", ["id", "category", "kind", "occurred_at", *RECORD], name)
    said = said.filter(pl.col("occurred_at").is_not_null())
    if not said.height:
        return
    topic = pl.coalesce("category", "kind") if reporting.own_kind else pl.col("category")
    said = said.with_columns(mapped(said.select(topic.alias("t")).to_series(), _topic).alias("topic"))
    places = f"link.{PLACED}.Incident.Address"
    at = spool.get(places, ["__start", "__place", "__slot", *RECORD], name)
    if at.height:
        spots = mapped(near_code(placements.of(at.get_column("__place"))), linker.building)
        at = at.select(pl.col("__start").alias("id"), *RECORD, "__slot", spots.alias("spot"))
        at = at.drop_nulls("spot").sort("__slot").unique(["id", *RECORD], keep="first")
        said = said.join(at.drop("__slot"), on=["id", *RECORD], how="left")
    else:
        said = said.with_columns(pl.lit(None, dtype=pl.String).alias("spot"))
    later = pl.lit("" if reporting.later is None else str(reporting.later))
    parts = [*(pl.col(c).fill_null("") for c in ("occurred_at", "__feed", "topic", "spot")), later]
    both = pl.concat_str("spot", "topic", separator=SCENE_SEPARATOR)

    def put(kind: str, rows: pl.DataFrame, raw: str, value: pl.Expr) -> None:
        traits = rows.select(pl.col(raw).alias("raw"), value.cast(pl.String).alias("value")).drop_nulls()
        spool.put(f"trait.{kind}", traits.unique())

    put(NUMBER, said, "id", pl.col("id"))
    put(REPORT, said, "id", pl.concat_str(parts, separator=SEPARATOR))
    put(SCENE, said.drop_nulls(["spot", "topic"]), "id", both)
    for table in spool.tables():
        kind, *of = table.split(".")
        if kind == "link" and of[0] == INVOLVED:
            links = spool.get(table, ["__start", "__end", "role"], name)
            links = links.filter(pl.col("role").ne_missing(REPORTER))
            if same is not None and of[1] == "Person":
                links = links.join(same, left_on="__start", right_on="raw", how="left")
                links = links.with_columns(pl.coalesce("same", "__start").alias("__start"))
            put(PARTY, links, "__end", pl.col("__start"))
        elif kind == "link" and of[0] == FOLLOWS:
            put(NUMBER, spool.get(table, ["__start", "__end"], name), "__start", pl.col("__end"))


def _topic(name: str) -> str | None:
    return topic_of(name, None)
