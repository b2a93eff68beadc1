"""What records say of the persons whom they name, column by column, as `PeopleLinker.claimed` says it of each."""

from __future__ import annotations

import polars as pl

from loaders.bulk.placements import Placements
from loaders.bulk.spool import Spool
from loaders.bulk.tables import link_table, node_table
from loaders.identity.people import FIELDS, HOME, HOMES

ROWS = 400_000


def person_traits(spool: Spool, placements: Placements) -> dict[str, pl.LazyFrame]:
    """Kind → traits (`raw`, `value`) of the raw persons in a spool, which keeps them in its tables `trait.`."""
    for claims in spool.frames(node_table("Person"), ROWS):
        for field, kind in FIELDS.items():
            if field in claims.columns:
                traits = claims.select(pl.col("id").alias("raw"), pl.col(field).alias("value"))
                spool.put(f"trait.{kind}", traits.drop_nulls().unique())
    homes = link_table("LIVES_AT", "Person", "Address").name
    for at in spool.frames(homes, ROWS, ["__start", "__place"]):
        near = placements.of(at.get_column("__place"))
        traits = at.select(pl.col("__start").alias("raw"), near_code(near).alias("value"))
        spool.put(f"trait.{HOME}", traits.drop_nulls().unique())
    return kept_traits(spool)


def near_code(placed: pl.DataFrame) -> pl.Series:
    """The codes of places that are near enough to a home to say who lives there."""
    near = pl.when(pl.col("level").is_in(sorted(HOMES))).then(pl.col("code"))
    return placed.select(near.alias("code")).to_series()


def kept_traits(spool: Spool) -> dict[str, pl.LazyFrame]:
    """The traits in a spool by kind."""
    return {
        table.removeprefix("trait."): pl.concat(spool.scan(table))
        for table in spool.tables()
        if table.startswith("trait.")
    }
