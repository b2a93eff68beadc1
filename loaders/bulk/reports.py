"""What records say of the incidents that they report, column by column, as `IncidentLinker.claimed` says it of each."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from loaders.bulk.claims import mapped
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
from loaders.identity.linker import TRAITS
from loaders.mapping import SEPARATOR

RECORD = ["__feed", "__rkey", "__effective", "__hash"]


def report_traits(spool: Spool, feeds: Mapping[str, Feed], linker: IncidentLinker) -> pl.DataFrame:
    """Traits of the raw incidents in a spool: `raw`, `kind`, `value`; persons in it are those they are known as."""
    reporting = {name: feed.reporting for name, feed in feeds.items() if feed.reporting is not None}
    ours = pl.col("__feed").is_in(list(reporting))
    said = spool.get("node.Incident", ["id", "category", "kind", "occurred_at", *RECORD])
    said = said.filter(ours & pl.col("occurred_at").is_not_null())
    if not said.height:
        return pl.DataFrame(schema=TRAITS)
    own = pl.col("__feed").is_in([name for name, r in reporting.items() if r.own_kind])
    topic = pl.coalesce("category", pl.when(own).then(pl.col("kind")))
    said = said.with_columns(mapped(said.select(topic.alias("t")).to_series(), _topic).alias("topic"))
    later = {name: "" if r.later is None else str(r.later) for name, r in reporting.items()}
    said = said.with_columns(pl.col("__feed").replace_strict(later, return_dtype=pl.String).alias("later"))
    places = f"link.{PLACED}.Incident.Address"
    if spool.rows(places):
        at = spool.get(places, ["__start", "__place", "__slot", *RECORD]).filter(ours)
        spots = mapped(at.get_column("__place"), linker.spot)
        at = at.select(pl.col("__start").alias("id"), *RECORD, "__slot", spots.alias("spot")).drop_nulls(
            "spot"
        )
        at = at.sort("__slot").unique(["id", *RECORD], keep="first")
        said = said.join(at.drop("__slot"), on=["id", *RECORD], how="left")
    else:
        said = said.with_columns(pl.lit(None, dtype=pl.String).alias("spot"))
    parts = (pl.col(c).fill_null("") for c in ("occurred_at", "__feed", "topic", "spot", "later"))
    both = pl.concat_str("spot", "topic", separator=SCENE_SEPARATOR)
    traits = [
        _traits(said, "id", NUMBER, pl.col("id")),
        _traits(said, "id", REPORT, pl.concat_str(list(parts), separator=SEPARATOR)),
        _traits(said.drop_nulls(["spot", "topic"]), "id", SCENE, both),
    ]
    known = said.select(pl.col("id").alias("raw")).unique()
    for table in spool.tables():
        kind = table.split(".")
        if kind[:2] == ["link", INVOLVED]:
            links = spool.get(table, ["__start", "__end", "__feed", "role"]).filter(ours)
            links = links.filter(pl.col("role").ne_missing(REPORTER))
            traits.append(_traits(links, "__end", PARTY, pl.col("__start")))
        elif kind[:2] == ["link", FOLLOWS]:
            links = spool.get(table, ["__start", "__end", "__feed"]).filter(ours)
            traits.append(_traits(links, "__start", NUMBER, pl.col("__end")))
    return pl.concat(traits).join(known, on="raw", how="semi").unique()


def _topic(name: str) -> str | None:
    return topic_of(name, None)


def _traits(rows: pl.DataFrame, raw: str, kind: str, value: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.col(raw).alias("raw"), pl.lit(kind).alias("kind"), value.cast(pl.String).alias("value")
    ).drop_nulls()
