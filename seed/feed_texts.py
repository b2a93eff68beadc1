"""What the address texts of the feeds determine, column-wise, beside their true codes: `truth/addresses.parquet`.

The rules are those of `seed.address_index`. Feed texts are full names of which parts were left out, so that it is enough to know
which of street and community a text still has.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from seed.noise import ADDRESS_OPERATIONS, NUMBER_DAMAGED, TYPOS
from seed.places import read_communities

SCHEMA: Final = {
    "feed": pl.String, "record_key": pl.String, "column": pl.String, "text": pl.String, "code": pl.String,
    "determined": pl.String, "level": pl.String, "operations": pl.String, "profile": pl.String,
}  # fmt: skip
"""`level` is that of `determined`; `operations` are joined by `;`."""

_LEVELS: Final = {9: "STREET", 12: "COMMUNITY", 16: "BUILDING", 18: "UNIT", 22: "DWELLING"}


def _common(by: list[str]) -> pl.Expr:
    """What the places that share the columns have in common: the place itself, its community, its street, or nothing."""
    code = pl.col("head")
    return (
        pl.when(code.n_unique().over(by) == 1)
        .then(code)
        .when(pl.col("community_code").n_unique().over(by) == 1)
        .then(pl.col("community_code"))
        .when(pl.col("street_code").n_unique().over(by) == 1)
        .then(pl.col("street_code"))
    )


def _table(buildings: pl.DataFrame) -> pl.DataFrame:
    """A row for each street, community, building and site: what its name determines without street, without community, without both."""
    known = read_communities()
    communities = pl.DataFrame(
        {
            "community_code": [c.code for c in known],
            "community": [c.name for c in known],
            "above": [c.full for c in known],
            "street_code": [c.street for c in known],
            "street": [c.street_name for c in known],
        }
    )
    stem = pl.col("community").str.replace("(?:社区|村)$", "")
    communities = communities.with_columns(shared=pl.col("street_code").n_unique().over(stem) > 1)
    low = buildings.select("full", head="code").with_columns(
        community_code=pl.col("head").str.slice(0, 12), group=pl.col("full").str.contains("[0-9]组[0-9]+号$")
    )
    low = low.join(communities, on="community_code", maintain_order="left").with_columns(
        local=pl.col("full").str.strip_prefix(pl.col("above"))
    )
    none = pl.lit(None, dtype=pl.String)
    low = low.select(
        "head",
        "street",
        "community",
        no_street=pl.when(pl.col("group") & pl.col("shared"))
        .then(none)
        .otherwise(_common(["community", "local"])),
        no_community=pl.when("group").then("street_code").otherwise(_common(["street_code", "local"])),
        neither=pl.when("group").then(none).otherwise(_common(["local"])),
    )
    middle = communities.with_columns(head="community_code").select(
        "head",
        "street",
        "community",
        no_street=pl.when(pl.len().over("community") == 1).then("community_code"),
        no_community="street_code",
        neither=none,
    )
    high = (
        communities.unique("street_code", maintain_order=True)
        .select(head="street_code", street="street", community=pl.lit(""))
        .with_columns(no_street=none, no_community=pl.col("head"), neither=none)
    )
    return pl.concat([low, middle, high])


class FeedTexts:
    """Adds what is determined to the texts of the feeds of one district.

    Args:
        buildings: code and full of its buildings and sites.
        profile: of the noise.
    """

    def __init__(self, buildings: pl.DataFrame, profile: str) -> None:
        self._table = _table(buildings)
        self.profile = profile

    def judged(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns of `SCHEMA`.

        Args:
            frame: feed, record_key, column, text, code, and `done`, the bits of `ADDRESS_OPERATIONS` that noise did to the text.
        """
        damaged = (pl.col("done") & NUMBER_DAMAGED) != 0
        typo = (pl.col("done") & TYPOS) != 0
        left = {name: (pl.col("done") & bit) != 0 for name, bit in ADDRESS_OPERATIONS.items()}
        found = frame.with_columns(head=pl.col("code").str.slice(0, 16)).join(
            self._table, on="head", how="left", maintain_order="left"
        )
        # A mistyped name is stated all the same, unless it was left out.
        street = pl.col("text").str.contains(pl.col("street"), literal=True) | (typo & ~left["no_street"])
        community = pl.col("text").str.contains(pl.col("community"), literal=True) | (
            typo & ~left["no_community"]
        )
        place = (
            pl.when(pl.col("text").is_null())
            .then(None)
            .when(street & community)
            .then("head")
            .when(community)
            .then("no_street")
            .when(street)
            .then("no_community")
            .otherwise("neither")
        )
        whole = pl.when(place == pl.col("head")).then("code").otherwise(place)
        determined = pl.when(damaged).then(place.str.slice(0, 12)).otherwise(whole)
        masks = found.select("done").unique().sort("done")
        names = [
            ";".join(name for name, bit in ADDRESS_OPERATIONS.items() if done & bit) for done in masks["done"]
        ]
        found = found.with_columns(determined=determined).join(
            masks.with_columns(pl.Series("operations", names, dtype=pl.String)),
            on="done",
            how="left",
            maintain_order="left",
        )
        length = pl.col("determined").str.len_chars()
        site = (length == 16) & pl.col("determined").str.contains("^.{12}9[0-9]{3}$")
        level = pl.when(site).then(pl.lit("SITE")).otherwise(length.replace_strict(_LEVELS, default=None))
        return found.with_columns(level=level, profile=pl.lit(self.profile)).select(list(SCHEMA))
