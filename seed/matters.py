"""Matters: what truly happened, and which departments' records are reports of it.

Alarms and mediations come from `seed.incidents`. The other departments' records are drawn here: some are new
matters, others are further reports of one that another department already has, with or without its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl

from seed.columns import Bools, Ints, cat, digits, draw, either, in_groups, only_if, pick
from seed.enterprises import Enterprises
from seed.gathered import Warned
from seed.incidents import AT_HOME, CATEGORIES, CAUSES, IN_STREET, Incidents, Maker, times
from seed.options import SeedOptions
from seed.people import RENT, People
from seed.places import Places
from seed.spots import Spots

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - feeds write local times without a zone

# What the streets are about, beside what alarms and mediations are about: (topic, what people say of it).
STREET_TOPICS: Final = (
    ("占道经营", ("流动摊贩占道经营", "商户跨门经营", "夜宵摊占用人行道")),
    ("垃圾乱倒", ("垃圾堆积无人清运", "装修垃圾乱倒", "垃圾桶满溢")),
    ("违法建设", ("屋顶搭建阳光房", "院内违章搭建", "擅自改变房屋外立面")),
    ("油烟扰民", ("餐饮店油烟直排", "烧烤油烟扰民")),
    ("犬只管理", ("遛狗不牵绳", "流浪犬出没", "犬只半夜吠叫")),
    ("道路破损", ("路面坑洼", "窨井盖松动", "人行道砖破损")),
    ("路灯损坏", ("路灯不亮", "路灯杆倾斜")),
    ("户外广告", ("违规设置户外广告", "墙面小广告多")),
    ("渣土撒漏", ("工程车渣土撒漏", "工地车辆带泥上路")),
    ("共享单车", ("共享单车乱停放", "共享单车堵住出入口")),
    ("积水内涝", ("下雨后积水严重", "涵洞积水")),
    ("绿化毁坏", ("绿化带被毁种菜", "树木倒伏")),
)
TOPICS: Final = (*(name or kind for kind, name in CATEGORIES), *(name for name, _ in STREET_TOPICS))
"""What a matter is about. The first ones are those of alarms and mediations (`incidents.CATEGORIES`)."""
STREET_FROM: Final = len(CATEGORIES)


def topic(name: str) -> int:
    """The place of a topic in `TOPICS`."""
    return TOPICS.index(name)


@dataclass(slots=True)
class Reports:
    """One feed's records as reports of matters; columns of equal length in the order of the feed's rows.

    Attributes:
        feed: its key.
        number: the record's number at its source, as other departments would name it.
        key: the record key in the feed.
        second, topic, spot, one, two, firm: when, what about, where and who; as in `incidents.Draft`.
        matter: of which matter it is a report.
    """

    feed: str
    number: pl.Series
    key: pl.Series
    second: Ints
    topic: Ints
    spot: Ints
    one: Ints
    two: Ints
    firm: Ints
    matter: Ints


@dataclass(frozen=True, slots=True)
class Earlier:
    """A share of a feed's records that further report what another feed has.

    Attributes:
        feed: whose records.
        share: of the feed's records.
        topics: which of them; all for none.
        days: how many days later, from and to.
        firm: only those against an enterprise.
    """

    feed: str
    share: float
    topics: Sequence[int] = ()
    days: tuple[float, float] = (0.1, 8.0)
    firm: bool = False


@dataclass(slots=True)
class Batch:
    """Records of one feed while they are drawn, in the order of time.

    `second` … `firm` as in `Reports`; `said` is the number of an earlier report (null for a new matter);
    `parent` is which of the `Earlier` it came from, -1 for a new matter; `matter` its matter.
    """

    second: Ints
    topic: Ints
    spot: Ints
    one: Ints
    two: Ints
    firm: Ints
    parent: Ints
    matter: Ints
    said: pl.Series

    def __len__(self) -> int:
        return len(self.second)


@dataclass(slots=True)
class Stories:
    """Draws records for any feed and remembers all of them."""

    options: SeedOptions
    places: Places
    people: People
    enterprises: Enterprises
    spots: Spots
    warned: Warned | None = None
    reports: dict[str, Reports] = field(default_factory=dict)
    matters: int = 0
    now: int = 0
    share: float = 0.0
    maker: Maker = field(init=False)
    rng: np.random.Generator = field(init=False)
    former: pl.Series = field(init=False)
    turned: Ints = field(init=False)
    longitude: np.ndarray = field(init=False)
    latitude: np.ndarray = field(init=False)
    micro: pl.Series = field(init=False)
    community: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.maker = Maker(self.options, self.places, self.people, self.enterprises, self.spots)
        self.begin("matters")
        self.now = int((self.options.now - _EPOCH).total_seconds())
        self.share = self.maker.share
        self._locate()
        self.former, self.turned = former_names(self.options, self.people, self.now)

    def _locate(self) -> None:
        """Coordinates, micro-grids and communities of all spots."""
        places = self.places
        at_home = places.homes["building"].to_numpy()
        at_unit = places.units["building"].to_numpy()
        upper = places.upper.select("地址编码", "经度", "纬度")
        codes = pl.DataFrame({"地址编码": [c.code for c in places.communities]})
        middle = codes.join(upper, on="地址编码", how="left", maintain_order="left")
        lonlat = []
        for own, name in (("lon", "经度"), ("lat", "纬度")):
            building = places.buildings[own].to_numpy()
            lonlat.append(
                np.concatenate(
                    [building[at_home], building, building[at_unit], places.sites[own].to_numpy(),
                     middle[name].cast(pl.Float64).to_numpy()]
                )
            )  # fmt: skip
        self.longitude, self.latitude = lonlat
        micro = places.buildings["micro"]
        none = pl.Series("micro", [None] * len(codes), dtype=pl.String)
        self.micro = pl.concat(
            [micro.gather(at_home), micro, micro.gather(at_unit), places.sites["micro"], none]
        )
        community = places.buildings["community"].to_numpy()
        self.community = np.concatenate(
            [community[at_home], community, community[at_unit], places.sites["community"].to_numpy(),
             np.arange(len(codes))]
        )  # fmt: skip

    def begin(self, part: str) -> np.random.Generator:
        """Give a part its own random stream."""
        self.rng = self.maker.rng = self.options.rng(part)
        return self.rng

    def count(self, per_district: int, least: int = 6) -> int:
        """A number of the whole district, scaled."""
        return max(least, round(per_district * self.share))

    def adopt(self, incidents: Incidents) -> None:
        """Take over the alarms and mediations."""
        alarms, mediations = incidents.alarm_draft, incidents.mediation_draft
        n, m = len(alarms.second), len(mediations.second)
        alarm_matter = np.arange(n)
        own = np.cumsum(mediations.ref < 0) - 1 + n
        matter = np.where(mediations.ref >= 0, mediations.ref, own)
        self.matters = n + int((mediations.ref < 0).sum())
        for key, column, draft, of in (
            ("alarms", "接警单号", alarms, alarm_matter),
            ("mediations", "调解编号", mediations, matter),
        ):
            number = (incidents.alarms if key == "alarms" else incidents.mediations)[column]
            self.reports[key] = Reports(
                key,
                number,
                number,
                draft.second,
                draft.category,
                draft.spot,
                draft.one,
                draft.two,
                draft.firm,
                of,
            )
        assert len(self.reports["mediations"].number) == m

    def draw(
        self, n: int, weights: Mapping[str, float], earlier: Sequence[Earlier] = (), *, office: bool = True,
        firms: Mapping[str, float] | None = None, opposed: float = 0.9, shares: Sequence[float] | None = None,
    ) -> Batch:  # fmt: skip
        """Draw n records.

        Args:
            n: how many, about: records that would fall behind the district's last day are left out.
            weights: topics of new matters.
            earlier: what part of them are further reports of others' matters.
            office: whether they come in office hours.
            firms: by topic, how often an enterprise is on the other side.
            opposed: how often there is another side.
            shares: where, as `Maker.places_for` takes it; else by topic.
        """
        rng = self.rng
        parts: list[tuple[Any, ...]] = []
        said: list[pl.Series] = []
        taken = 0
        for index, rule in enumerate(earlier):
            rows = self._eligible(rule)
            size = min(len(rows), round(n * rule.share))
            rows = np.sort(rng.choice(rows, size, replace=False)) if size else rows[:0]
            source = self.reports[rule.feed]
            gap = rng.uniform(rule.days[0], rule.days[1], size) * 86400
            second = source.second[rows] + gap.astype(np.int64)
            if office:
                second = second // 86400 * 86400 + rng.integers(30600, 62000, size)
                second = np.maximum(second, source.second[rows] + 3600)
            fits = second <= self.now
            rows, second = rows[fits], second[fits]
            swap = (rng.random(len(rows)) < 0.15) & (source.two[rows] >= 0)
            one, two = source.one[rows], source.two[rows]
            parts.append(
                (
                    second, source.topic[rows], source.spot[rows], np.where(swap, two, one),
                    np.where(swap, one, two), source.firm[rows], np.full(len(rows), index), source.matter[rows],
                )
            )  # fmt: skip
            said.append(source.number.gather(rows))
            taken += len(rows)
        own = max(0, n - taken)
        parts.append(self._new(own, weights, office, firms or {}, opposed, shares))
        said.append(pl.Series([None] * own, dtype=pl.String))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        second, about, spot, one, two, firm, parent, matter = (column[order] for column in columns)
        return Batch(second, about, spot, one, two, firm, parent, matter, pl.concat(said).gather(order))

    def _eligible(self, rule: Earlier) -> Ints:
        source = self.reports[rule.feed]
        mask = source.second < self.now - 2 * 86400
        if len(rule.topics):
            mask &= np.isin(source.topic, rule.topics)
        if rule.firm:
            mask &= source.firm >= 0
        return np.flatnonzero(mask)

    def _new(
        self, n: int, weights: Mapping[str, float], office: bool, firms: Mapping[str, float], opposed: float,
        shares: Sequence[float] | None,
    ) -> tuple[Any, ...]:  # fmt: skip
        rng, people, maker = self.rng, self.people, self.maker
        names = list(weights)
        chosen = draw(rng, list(weights.values()), n)
        about = np.array([topic(name) for name in names])[chosen]
        one = rng.integers(0, len(people.home), n)
        one = np.where(people.years[one] < 16, people.head[one], one)
        against = np.array([firms.get(name, 0.0) for name in names])[chosen]
        firm = np.where(rng.random(n) < against, maker.firm_for(one), -1)
        two = np.where(
            (firm >= 0) | (rng.random(n) >= opposed), -1, maker.other(one, np.where(about < 4, about, 99))
        )
        where = np.where((about < STREET_FROM)[:, None], np.array(AT_HOME), np.array(IN_STREET))
        if shares is not None:
            where = np.tile(np.array(shares), (n, 1))
        spot = maker.places_for(one, where)
        spot = np.where((firm >= 0) & (rng.random(n) < 0.7), self.enterprises.spot[np.maximum(firm, 0)], spot)
        matter = self.matters + np.arange(n)
        self.matters += n
        return times(rng, self.options, n, office=office), about, spot, one, two, firm, np.full(n, -1), matter

    def keep(self, feed: str, number: pl.Series, batch: Batch, key: pl.Series | None = None) -> None:
        """Remember a feed's records, so that later feeds can report the same matters."""
        self.reports[feed] = Reports(
            feed, number, number if key is None else key, batch.second, batch.topic, batch.spot, batch.one,
            batch.two, batch.firm, batch.matter,
        )  # fmt: skip

    def alone(self, feed: str, number: pl.Series, key: pl.Series | None = None) -> None:
        """Remember records that are each a matter of its own and that no other feed refers to."""
        n = len(number)
        nothing = np.full(n, -1)
        matter = self.matters + np.arange(n)
        self.matters += n
        self.reports[feed] = Reports(
            feed, number, number if key is None else key, nothing, nothing, nothing, nothing, nothing, nothing, matter
        )  # fmt: skip

    # -- how people are written

    def name(self, rows: Ints, second: Ints | None = None) -> pl.Series:
        """Names, null for -1. With times: those who changed theirs have the earlier one before the change."""
        known = np.maximum(rows, 0)
        names = self.people.frame["name"].gather(known)
        if second is not None:
            names = either(second < self.turned[known], self.former.gather(known), names)
        return only_if(names, rows >= 0)

    def identity(self, rows: Ints, rate: float) -> pl.Series:
        """Identity numbers, null for -1, and given at a rate."""
        given = (rows >= 0) & (self.rng.random(len(rows)) < rate)
        return only_if(self.people.frame["identity"].gather(np.maximum(rows, 0)), given)

    def phone(self, rows: Ints, own: float = 0.9, landlord: float = 0.3) -> pl.Series:
        """Phones, null for -1: mostly one's own; else, or without one, the household's head's or, for tenants,
        the landlord's.
        """
        people, known = self.people, np.maximum(rows, 0)
        head, owner = people.head[known], people.owner[people.home[known]]
        u = self.rng.random(len(rows))
        rents = (people.use[people.home[known]] == RENT) & (owner >= 0)
        other = np.where(rents & (self.rng.random(len(rows)) < landlord), owner, head)
        who = np.where(u < own, known, other)
        phones = people.frame["phone"]
        return only_if(phones.gather(who).fill_null(phones.gather(head)), rows >= 0)

    def polite(self, rows: Ints) -> pl.Series:
        """张先生, 李女士; null for -1."""
        known = np.maximum(rows, 0)
        names = self.people.frame["name"].gather(known)
        double = names.str.contains("^(?:欧阳|司马|上官|诸葛)").to_numpy()
        family = either(double, names.str.slice(0, 2), names.str.slice(0, 1))
        return only_if(
            cat(family, pick(("女士", "先生"), self.people.male[known].astype(np.int64))), rows >= 0
        )

    def party(self, batch: Batch, rate: float = 1.0) -> tuple[pl.Series, pl.Series, pl.Series]:
        """Name, identity number or credit code (given at a rate), and phone of the other side."""
        firms, is_firm, firm = self.enterprises, batch.firm >= 0, np.maximum(batch.firm, 0)
        given = self.rng.random(len(batch)) < rate
        code = only_if(firms.code.gather(firm), given)
        return (
            either(is_firm, firms.name.gather(firm), self.name(batch.two)),
            either(is_firm, code, only_if(self.identity(batch.two, 1.0), given)),
            either(is_firm, firms.feed["联系电话"].gather(firm), self.phone(batch.two)),
        )

    # -- how matters and places are written

    def cause(self, about: Ints) -> pl.Series:
        """What people say of a topic."""
        lists = [CAUSES[name or kind] for kind, name in CATEGORIES] + [words for _, words in STREET_TOPICS]
        sizes = np.array([len(words) for words in lists])
        starts = np.cumsum(sizes) - sizes
        return pick([w for words in lists for w in words], starts[about] + (self.rng.random(len(about)) * sizes[about]).astype(np.int64))  # fmt: skip

    def place(self, spot: Ints) -> pl.Series:
        """Full names without the district, as people of it say them."""
        return self.spots.full.gather(spot).str.slice(3)

    def street(self, spot: Ints) -> pl.Series:
        """Names of the streets."""
        return pick([c.street_name for c in self.places.communities], self.community[spot])

    def street_code(self, spot: Ints) -> pl.Series:
        """Codes of the streets."""
        return self.spots.code.gather(spot).str.slice(0, 9)

    def choice(self, words: Sequence[str], n: int, weights: Sequence[float] | None = None) -> pl.Series:
        """n words, evenly or by weight."""
        index = self.rng.integers(0, len(words), n) if weights is None else draw(self.rng, weights, n)
        return pick(words, index)

    def somebody(self, community: Ints) -> Ints:
        """Grown people of the communities, -1 where nobody lives."""
        found = in_groups(self.rng, self.people.community, community, len(self.places.communities))
        known = np.maximum(found, 0)
        return np.where(
            found < 0, -1, np.where(self.people.years[known] < 18, self.people.head[known], found)
        )

    def ended(self, second: Ints, mean_days: float) -> tuple[Ints, Bools]:
        """When what began then was finished, and whether that has been."""
        done = second + (self.rng.gamma(2.0, mean_days / 2, len(second)) * 86400 + 1800).astype(np.int64)
        return done, done <= self.now

    def truth(self) -> pl.DataFrame:
        """`truth/matters.parquet`: matter, feed, record_key, source_number."""
        return pl.concat(
            pl.DataFrame(
                {
                    "matter": cat("M", digits(r.matter + 1, 8)),
                    "feed": pl.Series([r.feed], dtype=pl.String).new_from_index(0, len(r.matter)),
                    "record_key": r.key,
                    "source_number": r.number,
                }
            )
            for r in self.reports.values()
        )


def former_names(options: SeedOptions, people: People, now: int) -> tuple[pl.Series, Ints]:
    """For each person the earlier name (the same surname, another given name) and the second of the change, 0
    for those (nearly all) who never had another.
    """
    rng = options.rng("former-names")
    n = len(people.home)
    changed = (rng.random(n) < 0.003) & (people.years >= 16)
    names = people.frame["name"]
    given = "建平 小英 志强 丽萍 国良 晓燕 水珍 文斌 秀琴 海涛".split()
    former = cat(names.str.slice(0, 1), pick(given, rng.integers(0, len(given), n)))
    when = now - rng.integers(60, 700, n) * 86400
    return either(changed, former, names), np.where(changed, when, 0)


def day_text(second: Ints) -> pl.Series:
    """Days as `20250105`."""
    return pl.Series((second // 86400).astype(np.int32)).cast(pl.Date).dt.strftime("%Y%m%d")


def year_text(second: Ints) -> pl.Series:
    """Years."""
    return day_text(second).str.slice(0, 4)


def numbered(second: Ints) -> Ints:
    """1, 2, 3 … within each year, for rows in the order of time."""
    year = year_text(second).to_numpy()
    return (
        pl.DataFrame({"y": year})
        .select(pl.int_range(1, pl.len() + 1).over("y"))
        .to_series()
        .to_numpy()
        .astype(np.int64)
    )


def words(mapping: Mapping[str, str], default: str) -> list[str]:
    """What a department calls each topic."""
    return [mapping.get(name, default) for name in TOPICS]
