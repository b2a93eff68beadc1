"""How well records find their persons and their incidents, against the answer key of a seeded district."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import polars as pl

from loaders.identity.incidents import LONGEST_DAYS, RawIncident
from loaders.run import Loader

SHOWS = {"mention": pl.String, "truth": pl.String, "found": pl.String, "numbered": pl.Boolean}


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """How records were joined that no key joins.

    Attributes:
        subject: `people` or `incidents`.
        mentions: what there was to join: of people, a record and a role without an identity number whose person the
            answer key knows; of incidents, a report of a matter that was reported before.
        identifiable: those that the data say enough of: of people, name and phone, or name and birth, are those of
            their person and of nobody else; of incidents, the number of another report is named, or a party and the
            topic are those of an earlier report of another department, and of no other matter's.
        linked, right: those that were joined, and to the right one.
        found: of the identifiable, those joined to the right one.
        pairs: (precision, recall): of two records that are said to be one, and of those that are.
        clusters: (precision, recall): of records, how much of what they were put with is theirs (B-cubed).
    """

    subject: str
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
            f"{self.subject}, links": {**links, "mentions": self.mentions, "ceiling": self.ceiling},
            **{
                f"{self.subject}, {name}": {
                    "true": self.mentions,
                    "found": self.linked,
                    "precision": p,
                    "recall": r,
                }
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
        subject="people",
        mentions=known.height,
        identifiable=said.height,
        linked=linked.height,
        right=right.height,
        found=right.join(said, on="mention", how="semi").height,
        pairs=_pairs(found),
        clusters=_clusters(found),
    )


def score_incidents(loader: Loader, truth: Path) -> IdentityScore:
    """Compares which records were taken for reports of one matter with the answer key (`truth/`)."""
    linker = loader.known_as.incidents
    matters = pl.read_parquet(truth / "matters.parquet")
    rows: list[tuple[str, str, str]] = []
    for (name,), part in matters.group_by("feed", maintain_order=True):
        feed = loader.feeds.get(str(name))
        if feed is None or feed.reporting is None:
            continue
        mapper = loader.mapper(feed.feed)
        alias = next(a for a, claim in feed.entities.items() if claim.report is not None)
        matter = dict(part.select("record_key", "matter").iter_rows())
        for record in loader.records.of_feed(feed.feed):
            node = mapper.entity(alias, record.rkey, orjson.loads(record.payload))
            if node is not None and record.rkey in matter:
                rows.append((node.id, matter[record.rkey], linker.same.get(node.id, node.id)))
    found = pl.DataFrame(
        rows, schema=dict.fromkeys(("raw", "truth", "found"), pl.String), orient="row"
    ).unique("raw")
    of = dict(found.select("raw", "truth").iter_rows())
    reports = linker.raws()
    sharing: dict[str, set[str]] = {}
    for report in reports.values():
        for party in report.parties:
            sharing.setdefault(party, set()).add(report.id)
    later: list[str] = []
    identifiable: set[str] = set()
    for (_,), part in found.filter(pl.col("truth").is_duplicated()).group_by("truth"):
        told = sorted(part["raw"], key=lambda raw: reports[raw].order)
        later += told[1:]
        identifiable |= {raw for raw in told[1:] if _identifiable(raw, reports, of, sharing)}
    joined = [(raw, end) for raw, end in found.select("raw", "found").iter_rows() if raw != end]
    right = {raw for raw, end in joined if of.get(end) == of[raw]}
    return IdentityScore(
        subject="incidents",
        mentions=len(later),
        identifiable=len(identifiable),
        linked=len(joined),
        right=len(right),
        found=len(right & identifiable),
        pairs=_pairs(found),
        clusters=_clusters(found),
    )


def _identifiable(
    raw: str, reports: Mapping[str, RawIncident], of: Mapping[str, str], sharing: Mapping[str, set[str]]
) -> bool:
    """Whether the data say of which matter a later report is."""
    own = reports[raw]
    if own.numbers:
        return any(of.get(number) == of[raw] for number in own.numbers)
    said = own.report
    if said is None or said.later is None or said.topic is None:
        return False
    alike = {
        other.id
        for party in own.parties
        for other in (reports[id] for id in sharing[party])
        if other.report is not None
        and other.report.feed != said.feed
        and other.order < own.order
        and other.report.topic == said.topic
        and said.day - other.report.day <= LONGEST_DAYS
    }
    return bool(alike) and all(of.get(id) == of[raw] for id in alike)


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
