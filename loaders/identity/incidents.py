"""Which records of several departments report one matter: by the number that one gives of another, else by evidence.

A *raw* incident is what one record reports. Feeds whose records are each something new (an alarm, a mediation) are told
from those that may take up what another department has (a petition, a suit): only the latter are joined by evidence,
for a second alarm is a repeat and not a second report. A record is compared with earlier ones of other feeds that share
a party or a phone, or the place and the topic. Each agreement is worth its odds; what is to be expected by chance
follows from how many incidents share the same party or place; the longer after, the less likely, at the pace that the
feed declares. Two matters that fit equally well are asked about and never guessed.

Pure functions of the traits given: the same records, in whatever order, are joined alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from ledger import Ledger, Records
from loaders.declaration import Feed
from loaders.fold import Version
from loaders.identity.linker import ASK, LINK, LINKS, TRAITS, Linker, Trait
from loaders.identity.people import HOMES
from loaders.mapping import SEPARATOR
from loaders.places import PlaceBase

VERSION: Final = "incidents-2"
# What a record reports, in one value (`Report`).
REPORT: Final = "report"
# What ties raw incidents together: an incident's number (its own, or one that it names), a party, a topic at a place.
NUMBER, PARTY, SCENE = "number", "party", "scene"
SCENE_SEPARATOR: Final = " "
TOPIC, SPOT = "topic", "spot"
TIES: Final = (NUMBER, PARTY, SCENE)
PLACED, INVOLVED, FOLLOWS, REPORTER = "OCCURRED_AT", "INVOLVED_IN", "FOLLOWS", "reporter"
# How often a record of such a feed, naming no number, reports what another department has.
PRIOR: Final = 0.12
LINK_FROM, ASK_FROM = 0.96, 0.3
SPAN_DAYS: Final = 730.0
# Of some reports nobody knows why they come so late.
LONG: Final = 40.0
LONG_SHARE: Final = 0.15
# How often reports of one matter agree, and others that share a party.
SAME_TOPIC, OTHER_TOPIC = 0.85, 0.03
SAME_SPOT, OTHER_SPOT = 0.85, 0.2
SAME_PAIR, OTHER_PAIR = 0.5, 0.15
# How often reports of one matter share no party that both name.
NO_PARTY: Final = 0.15
# A party of more incidents than this (an office, a big enterprise) says nothing.
CROWD: Final = 60
LONGEST_DAYS: Final = 150.0


class Report(NamedTuple):
    """What one record says that it reports.

    Attributes:
        at: when it is said to have happened, ISO.
        topic: what it is about, if the record says; `spot`: the code of the building or site.
        later: by how many days, on average, the feed's records follow what they report further; None for a feed of
            which each record is something new.
    """

    at: str
    feed: str
    topic: str | None
    spot: str | None
    later: float | None

    def written(self) -> str:
        """As one text, by which reports sort by time."""
        return SEPARATOR.join(("" if x is None else str(x)) for x in self)

    @staticmethod
    def read(text: str) -> Report:
        at, feed, topic, spot, later = text.split(SEPARATOR)
        return Report(at, feed, topic or None, spot or None, float(later) if later else None)

    @property
    def ordered(self) -> str:
        """Before what it may be a further report of. A record with a day only is at the end of its day."""
        return f"{self.at[:10]}T24" if self.at[11:19] == "00:00:00" else self.at

    @property
    def day(self) -> float:
        return datetime.fromisoformat(self.at).timestamp() / 86_400


@dataclass(slots=True)
class RawIncident:
    """What is known of one raw incident. `numbers`: ids of other incidents that it names."""

    id: str
    report: Report | None = None
    numbers: list[str] = field(default_factory=list)
    parties: set[str] = field(default_factory=set)

    @property
    def order(self) -> tuple[str, str]:
        return (self.report.ordered if self.report is not None else ""), self.id


def decide(traits: pl.DataFrame, wanted: pl.Series, apart: Sequence[tuple[str, str]] = ()) -> pl.DataFrame:
    """Which earlier report each of the wanted raw incidents is a further report of.

    Args:
        traits: `raw`, `kind`, `value`: of those wanted, and of all that share a tie (`TIES`) with one of them.
        wanted: raw incidents.
        apart: pairs (raw, same) that a person has judged to be two.

    Returns:
        As `loaders.identity.people.decide`: links point from the later report to the earlier.
    """
    lazy = traits.lazy()
    return _decided(_bearing(lazy, wanted.alias("raw").to_frame().lazy()), wanted.to_list(), apart)


def _decided(traits: pl.DataFrame, wanted: Iterable[str], apart: Sequence[tuple[str, str]]) -> pl.DataFrame:
    raws = _raws(traits)
    judge = _Judge(raws, traits, {*apart, *((b, a) for a, b in apart)})
    rows = [row for id in wanted if id in raws for row in judge.about(raws[id])]
    return pl.DataFrame(rows, schema=LINKS, orient="row")


def _bearing(traits: pl.LazyFrame, wanted: pl.LazyFrame) -> pl.DataFrame:
    """The traits of those who may be further reports, or are named, and of whoever shares a tie with one of them."""
    named = traits.filter((pl.col("kind") == NUMBER) & (pl.col("value") != pl.col("raw")))
    later = traits.filter((pl.col("kind") == REPORT) & ~pl.col("value").str.ends_with(SEPARATOR))
    asked = pl.concat(
        [named.select("raw"), named.select(pl.col("value").alias("raw")), later.select("raw")]
    ).unique()
    asked = asked.join(wanted, on="raw", how="semi")
    ties = traits.filter(pl.col("kind").is_in(TIES))
    near = ties.join(ties.join(asked, on="raw", how="semi"), on=["kind", "value"], how="semi")
    return traits.join(near.select("raw").unique(), on="raw", how="semi").collect(engine="streaming")


def _raws(traits: pl.DataFrame) -> dict[str, RawIncident]:
    raws: dict[str, RawIncident] = {}
    for id, kind, value in traits.sort("raw", "kind", "value").iter_rows():
        raw = raws.get(id)
        if raw is None:
            raw = raws[id] = RawIncident(id)
        if kind == REPORT:
            # Of several versions the one that says the earliest stands.
            raw.report = raw.report or Report.read(value)
        elif kind == PARTY:
            raw.parties.add(value)
        elif kind == NUMBER and value != id:
            raw.numbers.append(value)
    return raws


class _Judge:
    def __init__(
        self, raws: Mapping[str, RawIncident], traits: pl.DataFrame, apart: set[tuple[str, str]]
    ) -> None:
        self._raws = raws
        self._apart = apart
        self._sharing: dict[tuple[str, str], list[str]] = {}
        tied = traits.filter(pl.col("kind").is_in(TIES)).unique().sort("kind", "value", "raw")
        for raw, kind, value in tied.select("raw", "kind", "value").iter_rows():
            self._sharing.setdefault((kind, value), []).append(raw)

    def about(self, raw: RawIncident) -> Iterator[tuple[str, str, str, float, str]]:
        """The link of a raw incident, or questions about it."""
        if raw.report is None:
            return
        named = self._named(raw)
        if named:
            yield raw.id, named[0], LINK, 1.0, NUMBER
        elif raw.report.later is not None and not raw.numbers:
            yield from self._by_evidence(raw, raw.report, raw.report.later)

    def _named(self, raw: RawIncident) -> list[str]:
        """Earlier incidents that the record names, or that name it, or that one names together with it; and those whose
        record is not known."""
        naming = [other for other in self._sharing.get((NUMBER, raw.id), ()) if other != raw.id]
        near = {*raw.numbers, *naming, *(n for other in naming for n in self._numbers(other))} - {raw.id}
        found = []
        for other in near:
            held = self._raws.get(other)
            order = held.order if held is not None else ("", other)
            if order < raw.order and (raw.id, other) not in self._apart:
                found.append((order, other))
        return [other for _, other in sorted(found)]

    def _numbers(self, id: str) -> Sequence[str]:
        """The incidents that a record names."""
        held = self._raws.get(id)
        return held.numbers if held is not None else ()

    def _by_evidence(
        self, raw: RawIncident, report: Report, pace: float
    ) -> Iterator[tuple[str, str, str, float, str]]:
        odds: dict[str, tuple[float, str]] = {}
        for id, other in self._candidates(raw, report):
            gap = report.day - other.day
            if other.feed != report.feed and other.ordered <= report.ordered and gap <= LONGEST_DAYS:
                odds[id] = self._odds(raw, report, id, other, _pace(max(gap, 0.0), pace))
        groups = list(self._matters(list(odds)))
        best = [max(odds[id][0] for id in group) for group in groups]
        scores: dict[str, float] = {}
        for group, most in zip(groups, best, strict=True):
            others = 1.0 + sum(best) - most
            scores |= {id: odds[id][0] / (others + odds[id][0]) for id in group}
        sure = [id for id, score in scores.items() if score >= LINK_FROM]
        if sure:
            first = min(sure, key=lambda id: self._raws[id].order)
            yield raw.id, first, LINK, round(scores[first], 4), odds[first][1]
            return
        for id, score in sorted(scores.items()):
            if score >= ASK_FROM:
                yield raw.id, id, ASK, round(score, 4), odds[id][1]

    def _candidates(self, raw: RawIncident, report: Report) -> Iterator[tuple[str, Report]]:
        found: set[str] = set()
        for party in raw.parties:
            sharing = self._sharing.get((PARTY, party), ())
            if len(sharing) <= CROWD:
                found.update(sharing)
        if report.spot is not None and report.topic is not None:
            found.update(self._sharing.get((SCENE, scene(report.spot, report.topic)), ()))
        for id in sorted(found - {raw.id}):
            other = self._raws[id].report
            if other is not None and (raw.id, id) not in self._apart:
                yield id, other

    def _odds(
        self, raw: RawIncident, report: Report, id: str, other: Report, pace: float
    ) -> tuple[float, str]:
        """How much likelier one matter is than two, and what agrees."""
        parties = self._raws[id].parties
        shared = {p for p in raw.parties & parties if len(self._sharing[PARTY, p]) <= CROWD}
        topics, spots = _alike(report.topic, other.topic), _alike(report.spot, other.spot)
        odds = PRIOR / (1.0 - PRIOR) * pace * SPAN_DAYS
        if shared:
            odds /= min(len(self._sharing[PARTY, p]) for p in shared) - 1
            # A person and their phone are one party.
            if sum(not p.startswith("tel_") for p in shared) > 1:
                odds *= SAME_PAIR / OTHER_PAIR
            odds *= _ratio(topics, SAME_TOPIC, OTHER_TOPIC) * _ratio(spots, SAME_SPOT, OTHER_SPOT)
        else:
            here = self._sharing[SCENE, scene(report.spot or "", report.topic or "")]
            odds *= SAME_TOPIC * SAME_SPOT * (NO_PARTY if raw.parties and parties else 1.0)
            odds /= len(here) - 1
        why = ((PARTY, bool(shared)), (TOPIC, topics), (SPOT, spots))
        return odds, ",".join(name for name, agrees in why if agrees)

    def _matters(self, ids: Sequence[str]) -> Iterator[list[str]]:
        """The candidates by matter, as far as they say themselves that they report the same."""
        left = [self._raws[id] for id in ids]
        while left:
            group = [left.pop(0)]
            for one in group:
                near = [o for o in left if _say_one(one, o)]
                left = [o for o in left if o not in near]
                group += near
            yield [one.id for one in group]


def _say_one(a: RawIncident, b: RawIncident) -> bool:
    """Whether two raw incidents report one matter by what they say themselves, whatever else is known."""
    if a.id in b.numbers or b.id in a.numbers or set(a.numbers) & set(b.numbers):
        return True
    first, last = (raw.report for raw in sorted((a, b), key=lambda raw: raw.order))
    if first is None or last is None or last.later is None or first.feed == last.feed:
        return False
    soon = last.day - first.day <= 4 * last.later
    return soon and bool(a.parties & b.parties) and _alike(first.topic, last.topic) is True


def _pace(gap: float, mean: float) -> float:
    """How likely, per day, a report follows another of the same matter so many days later."""
    return (1 - LONG_SHARE) * math.exp(-gap / mean) / mean + LONG_SHARE * math.exp(-gap / LONG) / LONG


def _ratio(agree: bool | None, same: float, other: float) -> float:
    """What a comparison says: nothing where one side has no value."""
    if agree is None:
        return 1.0
    return same / other if agree else (1 - same) / (1 - other)


def _alike(a: str | None, b: str | None) -> bool | None:
    return None if a is None or b is None else a == b


def scene(spot: str, topic: str) -> str:
    """The tie of incidents of one topic at one place."""
    return f"{spot}{SCENE_SEPARATOR}{topic}"


def topic_of(category: str | None, kind: str | None) -> str | None:
    """What a record is about; None where it says no more than `other`.

    Args:
        kind: where it is the record's and not the feed's; it stands in for a category that is not given.
    """
    topic = category or kind
    return None if topic is None or topic.endswith("other") else topic


class IncidentLinker(Linker):
    """Which records report one matter.

    Args:
        feeds: declarations by name.
        known: a person as known (`PeopleLinker.same`).
    """

    subject, prefix, ties, version = "incident", "inc", TIES, VERSION

    def __init__(
        self, ledger: Ledger, records: Records, places: PlaceBase, feeds: Mapping[str, Feed],
        known: Callable[[str], str],
    ) -> None:  # fmt: skip
        self._feeds = feeds
        self._known = known
        super().__init__(ledger, records, places)

    def claimed(self, found: dict[str, list[Version]]) -> Iterable[Trait]:
        for raw, versions in found.items():
            traits: set[Trait] = set()
            reported = False
            for version in versions:
                declared = self._feeds[version.feed].reporting
                if declared is None:
                    continue
                places = [x.place for x in version.claims.links if x.type == PLACED and x.start == raw]
                spot = next((s for place in places if place and (s := self.spot(place))), None)
                for node in version.claims.nodes:
                    if node.id == raw and "occurred_at" in node.values:
                        reported = True
                        kind = node.values.get("kind") if declared.own_kind else None
                        topic = topic_of(node.values.get("category"), kind)
                        report = Report(node.values["occurred_at"], version.feed, topic, spot, declared.later)
                        traits.add((raw, REPORT, report.written()))
                        if spot is not None and topic is not None:
                            traits.add((raw, SCENE, scene(spot, topic)))
                for link in version.claims.links:
                    if link.type == INVOLVED and link.end == raw and link.values.get("role") != REPORTER:
                        traits.add((raw, PARTY, self._known(link.start)))
                    elif link.type == FOLLOWS and link.start == raw and link.end is not None:
                        traits.add((raw, NUMBER, link.end))
            if reported:
                yield raw, NUMBER, raw
                yield from traits

    def mates(self, raws: set[str]) -> set[str]:
        """Those that name one another, or that a third names together."""
        numbers = {(kind, value) for _, kind, value in self._traits_of(sorted(raws)) if kind == NUMBER}
        return self._sharing(numbers)

    def raws(self) -> dict[str, RawIncident]:
        """All that is known of every raw incident, by id."""
        rows = self._records.db.execute(
            "SELECT raw, kind, value FROM trait WHERE raw >= ? AND raw < ?", self._range
        )
        return _raws(pl.DataFrame(rows.fetchall(), schema=TRAITS, orient="row"))

    def spot(self, place_key: str) -> str | None:
        """The code of the building or site of a place; None for a wider one."""
        placed = self._places.placed(place_key)
        if placed.code is None or placed.level not in HOMES:
            return None
        return self.building(placed.code)

    def building(self, code: str) -> str:
        """The code of the building or site that a place is, or is in."""
        return self._places.at_level(code, "BUILDING") or code

    def decide(
        self, traits: pl.DataFrame, wanted: pl.Series, apart: Sequence[tuple[str, str]]
    ) -> pl.DataFrame:
        return decide(traits, wanted, apart)

    def measure(self, traits: Mapping[str, pl.LazyFrame]) -> None:
        """Nothing else bears on incidents."""

    def decide_whole(
        self, traits: Mapping[str, pl.LazyFrame], apart: Sequence[tuple[str, str]]
    ) -> pl.DataFrame:
        if not traits:
            return pl.DataFrame(schema=LINKS)
        whole = pl.concat([f.select("raw", pl.lit(k).alias("kind"), "value") for k, f in traits.items()])
        bearing = _bearing(whole.unique(), whole.select("raw").unique())
        return _decided(bearing, bearing.get_column("raw").unique().sort(), apart)
