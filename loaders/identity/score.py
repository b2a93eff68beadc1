"""How well records find their persons, against the answer key of a seeded district."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import polars as pl

from loaders.run import Loader

SHOWS = {"mention": pl.String, "truth": pl.String, "found": pl.String, "numbered": pl.Boolean}


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """Links of records that carry no identity number.

    Attributes:
        mentions: such records (a record and a role) that the answer key knows the person of.
        identifiable: those that the data say enough of: name and phone, or name and birth, are those of their person
            and of nobody else.
        linked, right: those that were given to a person with a number, and to the right one.
        found: of the identifiable, those given to the right one.
        pairs: (precision, recall): of two records that are said to be of one person, and of those that are.
        clusters: (precision, recall): of records, how much of what they were put with is theirs (B-cubed).
    """

    mentions: int
    identifiable: int
    linked: int
    right: int
    found: int
    pairs: tuple[float, float]
    clusters: tuple[float, float]

    @property
    def precision(self) -> float:
        return self.right / self.linked if self.linked else 1.0

    @property
    def recall(self) -> float:
        """Of what is identifiable in principle."""
        return self.found / self.identifiable if self.identifiable else 1.0

    @property
    def ceiling(self) -> float:
        """The share of mentions that is identifiable in principle."""
        return self.identifiable / self.mentions if self.mentions else 1.0

    def rows(self) -> dict[str, dict[str, float]]:
        """The figures by name, as `quanxi score` prints them: `true` is what is identifiable in principle."""
        links = {
            "true": self.identifiable,
            "found": self.linked,
            "precision": self.precision,
            "recall": self.recall,
        }
        return {
            "people, links": {**links, "mentions": self.mentions, "ceiling": self.ceiling},
            **{
                f"people, {name}": {"true": self.mentions, "found": self.linked, "precision": p, "recall": r}
                for name, (p, r) in (("pairs", self.pairs), ("clusters", self.clusters))
            },
        }


def score_people(loader: Loader, truth: Path) -> IdentityScore:
    """Compares the persons that records were given to with the answer key (`truth/`)."""
    people = pl.read_parquet(truth / "people.parquet")
    records = pl.read_parquet(truth / "people_records.parquet")
    roles = {
        (feed.feed, claim.set["name"]): (alias, claim)
        for feed in loader.feeds.values()
        for alias, claim in feed.entities.items()
        if claim.label == "Person" and "name" in claim.set
    }
    rows: list[tuple[str, str, str | None, bool, str | None, str | None, str | None]] = []
    for (feed_name,), part in records.group_by("feed"):
        feed = loader.feeds.get(str(feed_name))
        if feed is None:
            continue
        mapper = loader.mapper(feed.feed)
        aliases = {role: roles.get((feed.feed, role)) for role in part["role"].unique()}
        wanted: dict[str, list[tuple[str, str]]] = {}
        for person, key, role in part.select("person", "record_key", "role").iter_rows():
            if aliases[role] is not None:
                wanted.setdefault(key, []).append((role, person))
        if not wanted:
            continue
        for record in loader.records.of_feed(feed.feed):
            if record.rkey not in wanted:
                continue
            payload = orjson.loads(record.payload)
            for role, person in wanted[record.rkey]:
                given = aliases[role]
                assert given is not None
                node = mapper.entity(given[0], record.rkey, payload)
                if node is None:
                    continue
                raw, values = node.id, node.values
                rows.append(
                    (
                        f"{feed.feed}:{record.rkey}:{role}",
                        person,
                        loader.known_as.people.same.get(raw, raw),
                        "id_hash" in values,
                        values.get("name"),
                        values.get("mobile"),
                        values.get("birth"),
                    )
                )
    schema = {**SHOWS, "name": pl.String, "phone": pl.String, "birth": pl.String}
    found = pl.DataFrame(rows, schema=schema, orient="row").unique(
        ["mention"], keep="first", maintain_order=True
    )
    # The person that a found id truly is: the one of whom most numbered records have it.
    owners = (
        found.filter(pl.col("numbered"))
        .group_by("found", "truth")
        .len()
        .sort("len", descending=True)
        .unique("found", keep="first")
        .select("found", pl.col("truth").alias("owner"))
    )
    loose = found.filter(~pl.col("numbered")).join(owners, on="found", how="left")
    known = loose.join(owners.select(pl.col("owner").alias("truth")).unique(), on="truth", how="semi")
    named = people.select(
        pl.col("person").alias("truth"),
        "name",
        "phone",
        pl.concat_str(
            pl.col("identity_number").str.slice(6, 4),
            pl.col("identity_number").str.slice(10, 2),
            pl.col("identity_number").str.slice(12, 2),
            separator="-",
        ).alias("birth"),
    )
    said = pl.DataFrame(schema={"mention": pl.String})
    for by in ("phone", "birth"):
        alone = named.drop_nulls(["name", by]).filter(~pl.struct("name", by).is_duplicated())
        ok = known.join(alone.select("truth", "name", by), on=["truth", "name", by], how="semi")
        said = pl.concat([said, ok.select("mention")]).unique()
    linked = loose.filter(pl.col("owner").is_not_null())
    right = linked.filter(pl.col("owner") == pl.col("truth"))
    return IdentityScore(
        mentions=known.height,
        identifiable=said.height,
        linked=linked.height,
        right=right.height,
        found=right.join(said, on="mention", how="semi").height,
        pairs=_pairs(found),
        clusters=_clusters(found),
    )


def _pairs(found: pl.DataFrame) -> tuple[float, float]:
    def of(columns: list[str]) -> int:
        n = found.group_by(columns).len().get_column("len").cast(pl.Int64)
        return int((n * (n - 1) // 2).sum())

    both, said, true = of(["found", "truth"]), of(["found"]), of(["truth"])
    return (both / said if said else 1.0, both / true if true else 1.0)


def _clusters(found: pl.DataFrame) -> tuple[float, float]:
    if not found.height:
        return 1.0, 1.0
    n = found.group_by("found", "truth").len()
    n = n.with_columns(
        pl.col("len").sum().over("found").alias("said"), pl.col("len").sum().over("truth").alias("true")
    ).with_columns(pl.col("len").cast(pl.Float64))
    total = float(n["len"].sum())
    return (
        float((n["len"] * n["len"] / n["said"]).sum()) / total,
        float((n["len"] * n["len"] / n["true"]).sum()) / total,
    )
