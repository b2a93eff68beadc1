"""Messy address texts with their true codes, for tuning and for examining a resolver, without seeding any feed.

    frame = address_texts(build_places(options), seed=7, count=10_000, profile="normal", examination=True)

Training and examination draw from different streams, and some ways of writing exist in examinations alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from seed.address_index import AddressIndex, above, common, level_of, within
from seed.address_ways import SLOTS, Target, Writer, Written, load_ways
from seed.options import SeedOptions
from seed.outside import outside_text
from seed.places import Places, build_places
from seed.sentences import SENTENCES, SENTENCES_HELD_OUT, fill

RESOLVED, UNRESOLVED, OUTSIDE = "RESOLVED", "UNRESOLVED", "OUTSIDE"

TEXT_PROFILES: Final = ("normal", "hard", "chat")
"""Profiles that a seeded district has texts of."""

SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "id": pl.String, "text": pl.String, "start": pl.Int64, "end": pl.Int64, "kind": pl.String,
    "code": pl.String, "level": pl.String, "determined": pl.String, "determined_level": pl.String,
    "outcome": pl.String, "profile": pl.String, "examination": pl.Boolean, "operations": pl.List(pl.String),
}  # fmt: skip
"""One row for each place that a text names.

id: of the text; texts with several places have as many rows. start, end: which characters name the place (half-open).
kind: `one`, `crossing`, `outside`, … as in `address_text.*.texts` of `seed/noise.yaml`.
code, level: the place that is meant; null when the district has no such place or nobody can know.
determined, determined_level: the deepest place that the text determines, given the whole address base.
outcome: RESOLVED, OUTSIDE, or UNRESOLVED when nothing of the district is determined (rightly answered with ASK or UNRESOLVED).
operations: ways other than the plain ones, as `slot.way`; a held-out one as `slot.held_out`, so that no score by way names it.
"""

_VAGUE: Final = (
    "隔壁老房子", "村口大树下", "单位宿舍3楼", "不详", "老家", "地下室", "河边那排房子2号", "无固定住所", "工地板房", "朋友家", "出租屋", "3幢2单元501室",
    "2组5号", "同上", "见附件", "12号楼",
)  # fmt: skip
_MOST_TRIES: Final = 12


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text: where it stands, which it is, what the text determines of it."""

    start: int
    end: int
    code: str | None
    determined: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text with the places that it names."""

    text: str
    kind: str
    mentions: tuple[Mention, ...]
    operations: tuple[str, ...]


class Examiner:
    """Draws texts about the places of a district."""

    def __init__(self, index: AddressIndex, profile: str, seed: int, *, examination: bool) -> None:
        self.index, self.places = index, index.places
        self.profile, self.examination = profile, examination
        self.rng = random.Random(f"{seed}/{profile}/{'examination' if examination else 'training'}")
        ways = load_ways(profile, examination=examination)
        self._kinds = (list(ways["texts"]), list(ways["texts"].values()))
        self.writer = Writer(index, ways, self.rng)
        homes = self.places.homes
        self._home_code = homes["code"]
        self._home_building = homes["building"].to_numpy()
        self._dwelling = homes["is_dwelling"].to_numpy()
        self._estates = self.places.estates["code"].to_list()
        self._roads = self.places.upper.filter(pl.col("层级") == "道路")["地址编码"].to_list()
        self._communities = sorted(index.communities)
        by_name: dict[str, list[str]] = {}
        for code, community in index.communities.items():
            by_name.setdefault(community.name, []).append(code)
        self._shared = {
            code for codes in by_name.values() if len({c[:9] for c in codes}) > 1 for code in codes
        }
        self._houses = [
            i for i, code in enumerate(index.code) if code[:12] in self._shared and index.name[i].endswith("号") and index.road[i] is None
        ]  # fmt: skip
        self._by_street: dict[str, list[str]] = {}
        for road in self._roads:
            self._by_street.setdefault(index.area_parent[road], []).append(road)
        self._rows: dict[str, list[int]] = {}
        for row, estate in enumerate(index.estate):
            if estate is not None:
                self._rows.setdefault(estate, []).append(row)

    def draw(self) -> Text:
        """One more text."""
        kind = self.rng.choices(*self._kinds)[0]
        drawn: Text = getattr(self, f"_{kind}")()
        return drawn

    # -- kinds of text

    def _one(self) -> Text:
        return self._about("one", self._any)

    def _estate(self) -> Text:
        if not self._estates:
            return self._community()
        return self._about("estate", lambda: self._area(self.rng.choice(self._estates)))

    def _road(self) -> Text:
        return self._about("road", lambda: self._area(self.rng.choice(self._roads)))

    def _community(self) -> Text:
        return self._about("community", lambda: Target(self.rng.choice(self._communities)))

    def _street(self) -> Text:
        return self._about("street", lambda: Target(self.rng.choice(self._communities)[:9]))

    def _site(self) -> Text:
        if not self.index.site_code:
            return self._community()

        def pick() -> Target:
            row = self.rng.randrange(len(self.index.site_code))
            return Target(self.index.site_code[row], site=row)

        return self._about("site", pick)

    def _same_name(self) -> Text:
        if not self._houses:
            return self._community()
        row = self.rng.choice(self._houses)
        way = self.rng.choice(("no_street", "no_street", "no_street", "short"))
        return self._about("same_name", lambda: self._building(row), upper=way)

    def _range(self) -> Text:
        """3-5幢, 12、13号楼: several buildings of an estate, so no one of them."""
        estates = [e for e in self._rows if len(self._rows[e]) >= 3]
        if not estates:
            return self._community()
        rng, index = self.rng, self.index
        rows = self._rows[rng.choice(estates)]
        first = rng.randrange(len(rows) - 2)
        some = rows[first : first + rng.randrange(2, min(4, len(rows) - first) + 1)]
        written = self.writer.write(
            self._area(index.estate[some[0]] or ""),
            fixed={"before": "none", "after": "none", "surface": "none", "typo": "none"},
        )
        low, high = index.tower(some[0]), index.tower(some[-1])
        word = rng.choice(("幢", "号楼", "栋"))
        span = rng.choice(
            (
                f"{low}-{high}{word}",
                f"{low}至{high}{word}",
                f"{low}{word}到{high}{word}",
                f"{low}~{high}{word}",
            )
        )
        text = written.text + span
        determined = self.index.determined(written.facts)
        code = index.code[some[0]][:12]
        return (
            self._checked("range", text, 0, len(text), code, determined, (*written.operations, "text.range"))
            or self._range()
        )

    def _crossing(self) -> Text:
        """市心路与金城路口东50米: a crossing of two roads of a street."""
        rng, index = self.rng, self.index
        street = rng.choice(sorted(s for s in self._by_street if len(self._by_street[s]) > 1))
        one, two = rng.sample(self._by_street[street], 2)
        names = []
        for road in (one, two):
            other = index.everyday[road] + index.former[road]
            names.append(rng.choice(other) if other and rng.random() < 0.3 else index.area_name[road])
        streets = [{index.area_parent[c] for c in index.area_codes("road", [name])} for name in names]
        named = rng.random() < 0.5
        both = streets[0] & streets[1]
        determined = street if named and street in both else common(both)
        head = rng.choice(("", "萧山区", "萧山")) + (index.streets[street] if named else "")
        sign = rng.choice(("与", "和", "、", "/", ""))
        end = rng.choice(("交叉口", "路口", "口", "交汇处", "十字路口"))
        if end in ("口", "路口"):
            names[1] = names[1].removesuffix("路") + "路" if end == "口" else names[1].removesuffix("路")
        where = rng.choice(("", "", "东50米", "往北200米", "西南角", "以南约100米", "红绿灯处"))
        body = f"{head}{names[0]}{sign}{names[1]}{end}{where}"
        before = rng.choice(("", "", "", "事发地：", "我在"))
        ways = ("text.crossing", *(("text.direction",) if where else ()))
        text = before + body
        return (
            self._checked("crossing", text, len(before), len(text), street, determined, ways)
            or self._crossing()
        )

    def _several(self) -> Text:
        """Two places in one text, without a sentence around them."""
        joint = self.rng.choice(("；", "、", " ", "，", "和", "搬到", "至"))
        one, two = self._place(sure=True), self._place(sure=True)
        shift = len(one.text) + len(joint)
        second = Mention(two.start + shift, two.end + shift, two.code, two.determined, two.outcome)
        first = Mention(one.start, one.end, one.code, one.determined, one.outcome)
        operations = (*dict.fromkeys((*one.operations, *two.operations)), "text.several")
        return Text(one.text + joint + two.text, "several", (first, second), operations)

    def _outside(self) -> Text:
        text, way = outside_text(self.rng)
        return Text(text, "outside", (Mention(0, len(text), None, None, OUTSIDE),), (f"outside.{way}",))

    def _vague(self) -> Text:
        text = self.rng.choice(_VAGUE)
        return Text(text, "vague", (Mention(0, len(text), None, None, UNRESOLVED),), ())

    def _sentence(self) -> Text:
        """A petition, a chat message or a report of up to 200 characters."""
        rng = self.rng
        templates: tuple[str, ...] = SENTENCES
        if self.examination and self.profile != "clean" and rng.random() < 0.3:
            templates = SENTENCES_HELD_OUT
        for _ in range(_MOST_TRIES):
            template = rng.choice(templates)
            places: dict[str, _Placed] = {}
            if "{a}" in template:
                # Beside another place a number alone would be read as one of that place.
                places["a"] = self._place(sure="{b}" in template or "{o}" in template)
            if "{b}" in template:
                places["b"] = self._place(sure=True)
            if "{o}" in template:
                text, way = outside_text(rng)
                places["o"] = _Placed(text, 0, len(text), None, None, OUTSIDE, (f"outside.{way}",))
            text, at = fill(template, {k: p.text for k, p in places.items()}, self.writer)
            if len(text) <= 200:
                break
        mentions = tuple(
            Mention(
                at[k] + p.start, at[k] + p.end, p.code, _told(text[at[k] + p.end :], p.determined), p.outcome
            )
            for k, p in sorted(places.items(), key=lambda item: at[item[0]])
        )
        operations = tuple(dict.fromkeys(o for p in places.values() for o in p.operations))
        if templates is SENTENCES_HELD_OUT:
            operations = (*operations, "sentence.held_out")
        return Text(text, "sentence", mentions, operations)

    # -- targets

    def _any(self) -> Target:
        chance = self.rng.random()
        if chance < 0.62 and len(self._home_code):
            row = self.rng.randrange(len(self._home_code))
            return self._home(row)
        row = self.rng.randrange(len(self.index.code))
        if chance < 0.67 and self.index.units[row]:
            unit = self.rng.randint(1, self.index.units[row])
            return Target(f"{self.index.code[row]}{unit:02d}", row, unit)
        return self._building(row)

    def _home(self, row: int) -> Target:
        code, building = self._home_code[row], int(self._home_building[row])
        if not self._dwelling[row]:
            return Target(code, building)
        return Target(code, building, int(code[16:18]) or None, int(code[18:]))

    def _building(self, row: int) -> Target:
        return Target(self.index.code[row], row)

    def _area(self, code: str) -> Target:
        return Target(self.index.area_parent[code], area=code)

    # -- writing

    def _place(self, *, sure: bool = False) -> _Placed:
        """A place as it stands within a longer text; `sure`: one that the text determines to some level."""
        for _ in range(_MOST_TRIES):
            alone = self.rng.random() < 0.12
            target = Target(self.rng.choice(self._communities)) if alone else self._any()
            written = self.writer.write(target, plain=True)
            placed = self._placed(target, written)
            if placed is not None and (placed.determined or not sure):
                return placed
        name = self.index.communities[target.code[:12]].full
        return _Placed(name, 0, len(name), target.code[:12], target.code[:12], RESOLVED, ())

    def _about(self, kind: str, pick: Callable[[], Target], upper: str | None = None) -> Text:
        for _ in range(_MOST_TRIES):
            target = pick()
            written = self.writer.write(target, fixed={"upper": upper} if upper else {})
            placed = self._placed(target, written)
            if placed is not None:
                mention = Mention(placed.start, placed.end, placed.code, placed.determined, placed.outcome)
                return Text(placed.text, kind, (mention,), placed.operations)
        target = pick()
        written = self.writer.write(
            target, fixed={slot: ways[0] for slot, ways in SLOTS.items() if slot != "numerals"}
        )
        determined = self.index.determined(written.facts)
        mention = Mention(
            0, len(written.text), target.code, determined, RESOLVED if determined else UNRESOLVED
        )
        return Text(written.text, kind, (mention,), written.operations)

    def _placed(self, target: Target, written: Written) -> _Placed | None:
        """None when the text reads as another place than was meant: such a text is no fair question."""
        determined = self.index.determined(written.facts)
        if determined is not None and not within(determined, target.code):
            return None
        if written.beside and determined is not None:
            determined = above(determined) or determined
        outcome = RESOLVED if determined else UNRESOLVED
        return _Placed(
            written.text, written.start, written.end, target.code, determined, outcome, written.operations
        )

    @staticmethod
    def _checked(
        kind: str,
        text: str,
        start: int,
        end: int,
        code: str,
        determined: str | None,
        operations: tuple[str, ...],
    ) -> Text | None:
        if determined is not None and not within(determined, code):
            return None
        outcome = RESOLVED if determined else UNRESOLVED
        return Text(text, kind, (Mention(start, end, code, determined, outcome),), operations)


def _told(rest: str, determined: str | None) -> str | None:
    """What a sentence determines of a place, given what follows it: 住在东方名苑4幢附近 is not in it (as `address_ways.Written.beside`)."""
    if determined is None or not rest.startswith(("附近", "旁", "对面", "隔壁", "周边")):
        return determined
    return above(determined) or determined


@dataclass(frozen=True, slots=True)
class _Placed:
    text: str
    start: int
    end: int
    code: str | None
    determined: str | None
    outcome: str
    operations: tuple[str, ...]


def _rows(texts: Iterator[Text], prefix: str, profile: str, examination: bool) -> Iterator[tuple[Any, ...]]:
    for number, text in enumerate(texts, 1):
        for m in text.mentions:
            code_level = level_of(m.code) if m.code else None
            determined_level = level_of(m.determined) if m.determined else None
            yield (
                f"{prefix}{number:07d}", text.text, m.start, m.end, text.kind, m.code, code_level, m.determined, determined_level,
                m.outcome, profile, examination, list(text.operations),
            )  # fmt: skip


def address_texts(
    places: Places | AddressIndex,
    *,
    seed: int,
    count: int,
    profile: str = "normal",
    examination: bool = False,
) -> pl.DataFrame:
    """Texts about a district's places, with what is meant and what is determined.

    Args:
        places: the district's places, or their index when several sets are drawn.
        seed: of the texts; the same arguments give the same texts.
        count: of texts; one with several places has several rows.
        profile: of `address_text` in `seed/noise.yaml`.
        examination: with the ways that are held out from training, and of another stream.

    Returns:
        Columns of `SCHEMA`.

    Raises:
        UsageError: for an unknown profile.
    """
    index = places if isinstance(places, AddressIndex) else AddressIndex(places)
    examiner = Examiner(index, profile, seed, examination=examination)
    prefix = f"{'E' if examination else 'T'}-{profile}-{seed}-"
    texts = (examiner.draw() for _ in range(count))
    return pl.DataFrame(list(_rows(texts, prefix, profile, examination)), orient="row", schema=SCHEMA)


def address_exam(
    options: SeedOptions,
    count: int = 10_000,
    profile: str = "normal",
    *,
    examination: bool = True,
    seed: int | None = None,
) -> tuple[Places, pl.DataFrame]:
    """The places of a district and texts about them, without seeding its feeds.

    Args:
        options: which district.
        count, profile, examination: as of `address_texts`.
        seed: of the texts; the district's own when left out.

    Returns:
        The places (`seed.addresses.build_addresses` gives their address feed) and the texts.
    """
    options.check()
    places = build_places(options)
    chosen = options.seed if seed is None else seed
    return places, address_texts(places, seed=chosen, count=count, profile=profile, examination=examination)
