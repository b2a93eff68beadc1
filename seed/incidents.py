"""Alarms (110) and mediations over 24 months, with planted repeats and near misses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from seed.cases import CALLERS, LOST, NearMisses, share
from seed.columns import Bools, Ints, cat, day_number, digits, draw, either, in_groups, moments, only_if, pick
from seed.enterprises import Enterprises
from seed.options import COMMUNITIES, SeedOptions
from seed.people import OWN, People
from seed.places import FACTORY, SHOP, Places
from seed.spots import Spots

ALARMS: Final = 760_000
MEDIATIONS: Final = 100_000
DAYS: Final = 730
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - feeds write local times without a zone

# Alarms: kind, category, weight, where (shares of home, shop, factory, site, building, community), other
# party's share.
AT_HOME = (0.62, 0.12, 0.05, 0.1, 0.06, 0.05)
IN_STREET = (0.02, 0.28, 0.06, 0.5, 0.02, 0.12)
ANYWHERE = (0.36, 0.24, 0.08, 0.2, 0.05, 0.07)
DISPUTES: Final = (
    ("邻里", 32), ("婚姻家庭", 18), ("损害赔偿", 9), ("租赁", 8), ("劳动争议", 7), ("消费", 6), ("物业", 5), ("合同", 4),
    ("房屋宅基地", 4), ("道路交通事故", 2.5), ("生产经营", 1.5), ("医疗", 0.8), ("环境污染", 0.7), ("村务", 0.6),
    ("山林土地", 0.5), ("征地拆迁", 0.4), ("其他纠纷", 1),
)  # fmt: skip
_OTHERS: Final = (
    ("刑事", "盗窃", 1.3, ANYWHERE, 0.0), ("刑事", "电信诈骗", 1.2, AT_HOME, 0.0), ("刑事", "故意伤害", 0.4, ANYWHERE, 0.9),
    ("治安", "打架斗殴", 2.5, IN_STREET, 0.9), ("治安", "噪音扰民", 5.2, AT_HOME, 0.3), ("治安", "赌博", 1.0, ANYWHERE, 0.0),
    ("交通", "交通事故", 17.0, IN_STREET, 0.75), ("交通", "违停", 9.0, IN_STREET, 0.0),
    ("火灾", "建筑火灾", 0.9, ANYWHERE, 0.0), ("火灾", "车辆火灾", 0.4, IN_STREET, 0.0),
    ("求助", "走失", 2.6, ANYWHERE, 0.0), ("求助", "失物", 7.5, IN_STREET, 0.0), ("求助", "开锁", 6.5, AT_HOME, 0.0),
    ("举报投诉", "", 13.0, ANYWHERE, 0.1), ("非警务", "", 10.0, ANYWHERE, 0.0), ("无效", "", 5.0, ANYWHERE, 0.0),
)  # fmt: skip
_DISPUTE_SHARE: Final = 16.5
# Of the dispute alarms that are not for the police 9.58 % are repeated calls (萧山日报, seeds/002).
_REPEATED: Final = 0.1
CAUSES: Final = {
    "邻里": ("楼上漏水问题", "公共过道堆放杂物", "装修噪音", "停车位争抢", "养狗扰民", "晾晒衣物滴水"),
    "婚姻家庭": ("家庭琐事", "夫妻感情不和", "子女抚养问题", "赡养老人问题", "财产分割"),
    "损害赔偿": ("物品损坏赔偿", "人身损害赔偿", "车辆刮擦赔偿", "宠物伤人赔偿"),
    "租赁": ("租房押金退还", "提前退租", "拖欠房租", "房屋维修责任", "水电费分摊"),
    "劳动争议": ("拖欠工资", "工伤赔偿", "辞退补偿", "加班费结算"),
    "消费": ("退货退款", "预付卡余额退还", "商品质量问题", "美容服务效果"),
    "物业": ("物业费收取", "小区停车管理", "电梯维修", "公共收益分配"),
    "合同": ("装修合同履行", "买卖合同货款", "借款归还", "加工费结算"),
    "房屋宅基地": ("宅基地边界", "房屋翻建采光", "滴水檐距离", "房屋产权份额"),
    "道路交通事故": ("事故赔偿金额", "误工费", "车辆维修费用"),
    "生产经营": ("合伙账目", "货款结算", "场地使用"),
    "医疗": ("诊疗费用", "治疗效果"),
    "环境污染": ("油烟排放", "污水排放", "粉尘扰民"),
    "村务": ("村集体分红", "村务公开"),
    "山林土地": ("承包地边界", "苗木损坏"),
    "征地拆迁": ("拆迁补偿款分配", "安置面积"),
    "其他纠纷": ("其他琐事", "债务往来"),
    "盗窃": ("电动车电瓶被盗", "快递被盗", "店内现金被盗", "工地电缆被盗"),
    "电信诈骗": ("刷单返利被骗", "冒充客服被骗", "网络贷款被骗", "虚假投资被骗"),
    "故意伤害": ("被人打伤", "被人持械打伤"),
    "打架斗殴": ("有人打架", "酒后斗殴", "多人推搡"),
    "噪音扰民": ("深夜噪音扰民", "广场舞噪音", "施工噪音扰民", "KTV声音过大"),
    "赌博": ("有人聚众打牌赌博", "棋牌室涉赌"),
    "交通事故": ("两车追尾", "汽车与电动车碰撞", "变道刮擦", "单车事故"),
    "违停": ("车辆违停堵路", "车辆占用消防通道", "车辆停放影响出行"),
    "建筑火灾": ("厨房起火", "电线短路冒烟", "阳台杂物起火", "仓库冒烟"),
    "车辆火灾": ("轿车发动机起火", "电动车充电起火"),
    "走失": ("老人走失", "小孩走失", "智力障碍家人走失"),
    "失物": ("手机遗失", "钱包遗失", "拾得他人物品"),
    "开锁": ("钥匙忘带请求开锁", "小孩反锁屋内"),
    "举报投诉": ("举报无证经营", "投诉处理不满", "举报乱倒垃圾", "举报无证驾驶", "举报群租"),
    "非警务": ("咨询户口办理", "反映路灯不亮", "反映停水停电", "咨询积分落户"),
    "无效": ("误拨", "无声电话", "骚扰电话"),
}
_OFFICERS: Final = "张 王 李 陈 沈 俞 汤 来 朱 傅 徐 金".split()


@dataclass(slots=True)
class Draft:
    """Incidents while they are drawn, columns of equal length.

    `second` counts from 1970; `spot` numbers Spots; `one`, `two` are rows of People (-1 unknown); `firm`
    a row of
    Enterprises on the other side, or -1; `ref` a row of the alarm draft; `planted` marks what was put there;
    `near` numbers the list of `NEAR` of which it is a near miss, 0 for none.
    """

    second: Ints
    category: Ints
    spot: Ints
    one: Ints
    two: Ints
    firm: Ints
    known: Bools
    ref: Ints
    planted: Bools
    near: Ints

    def take(self, order: np.ndarray) -> Draft:
        """Rows in another order."""
        return Draft(*(getattr(self, name)[order] for name in Draft.__slots__))

    @staticmethod
    def join(parts: list[Draft]) -> Draft:
        """One after another."""
        return Draft(*(np.concatenate([getattr(p, name) for p in parts]) for name in Draft.__slots__))


@dataclass(frozen=True, slots=True)
class Incidents:
    """The two feeds, and the drafts that they are of, row by row. Truth columns: `_one`, `_two` (truth ids),
    `_planted`.
    """

    alarms: pl.DataFrame
    mediations: pl.DataFrame
    alarm_draft: Draft
    mediation_draft: Draft


NEAR: Final = ("", "repeats", "non_police_again", "lost_person")
"""Lists of near misses that alarms and mediations may be in."""

CATEGORIES: Final = [("纠纷", name) for name, _ in DISPUTES] + [(kind, name) for kind, name, *_ in _OTHERS]
_NEIGHBOUR = 0
_FAMILY = 1
_RENT = 3
_AGAINST_FIRM: Final = np.isin(np.arange(len(CATEGORIES)), (4, 5, 6, 10))


def times(rng: np.random.Generator, options: SeedOptions, n: int, *, office: bool = False) -> Ints:
    """Seconds of n events over the 24 months before the end, with yearly, weekly and daily rhythm."""
    last = day_number(options.until)
    day = np.arange(last - DAYS + 1, last + 1)
    yearly = 1 + 0.18 * np.cos((day % 365.25 - 205) / 365.25 * 2 * np.pi)
    weekday = (day + 3) % 7  # Monday is 0
    weekly = np.where(weekday >= 5, 0.25 if office else 1.15, 1.0)
    chosen = day[draw(rng, yearly * weekly, n)]
    hours = (
        (0, 0, 0, 0, 0, 0, 0, 1, 8, 12, 11, 6, 3, 7, 10, 10, 8, 3, 1, 1, 0, 0, 0, 0)
        if office
        else (3, 2, 1.3, 1, 0.9, 1, 2, 4, 5.5, 6, 6, 5.5, 5, 5, 5.5, 5.7, 6, 6.5, 7, 7.5, 7.5, 7, 6, 4.5)
    )
    return chosen * 86400 + draw(rng, hours, n) * 3600 + rng.integers(0, 3600, n)


def truth_person(rows: Ints) -> pl.Series:
    """Truth ids of people, null for -1."""
    return only_if(cat("P", digits(np.maximum(rows, 0) + 1, 8)), rows >= 0)


def truth_firm(rows: Ints) -> pl.Series:
    """Truth ids of enterprises, null for -1."""
    return only_if(cat("E", digits(np.maximum(rows, 0) + 1, 7)), rows >= 0)


class Maker:
    """Draws incidents: who, against whom, where and why."""

    def __init__(
        self, options: SeedOptions, places: Places, people: People, enterprises: Enterprises, spots: Spots
    ) -> None:
        self.options, self.places, self.people, self.enterprises, self.spots = (
            options,
            places,
            people,
            enterprises,
            spots,
        )
        self.rng = options.rng("incidents")
        self.count = len(places.communities)
        kind = places.buildings["kind"].to_numpy()
        community = places.buildings["community"].to_numpy()
        self.shops, self.works = np.flatnonzero(kind == SHOP), np.flatnonzero(kind == FACTORY)
        self.shop_community, self.work_community = community[self.shops], community[self.works]
        self.site_community = places.sites["community"].to_numpy()
        self.home_building = places.homes["building"].to_numpy()
        self.share = len(places.filled) / COMMUNITIES

    def skewed(self, group: Ints, wanted: Ints, power: float) -> Ints:
        """A row of the wanted group; early rows far more often, since trouble gathers in few places."""
        start = np.searchsorted(group, np.arange(self.count + 1))
        low, high = start[wanted], start[wanted + 1]
        found = low + ((high - low) * self.rng.random(len(wanted)) ** power).astype(np.int64)
        return np.where(high > low, found, -1)

    def other(self, one: Ints, category: Ints) -> Ints:
        """The other side: spouse or family, landlord, neighbour, or somebody of the community."""
        people, rng, n = self.people, self.rng, len(one)
        total = len(people.home)
        near = np.clip(one + rng.integers(-12, 13, n), 0, total - 1)
        family = np.where(people.head[one] != one, people.head[one], np.minimum(one + 1, total - 1))
        landlord = people.owner[people.home[one]]
        anyone = in_groups(rng, people.community, people.community[one], self.count)
        other = np.where(category == _FAMILY, family, np.where(category == _RENT, landlord, anyone))
        other = np.where((category == _NEIGHBOUR) | (other == one), near, other)
        other = np.where((people.years[other] < 14) | (other == one), people.head[other], other)
        return np.where(other == one, -1, other)

    def places_for(self, one: Ints, shares: np.ndarray) -> Ints:
        """Where: at home, a shop, a factory, a site, the building, or only the community."""
        rng, spots, people = self.rng, self.spots, self.people
        n = len(one)
        community = people.community[one]
        home = people.home[one]
        u = rng.random(n)
        edge = np.cumsum(shares, axis=1)
        at_home = spots.home_at + home
        shop = self.skewed(self.shop_community, community, 1.6)
        work = self.skewed(self.work_community, community, 1.3)
        site = self.skewed(self.site_community, community, 1.2)
        return np.select(
            [
                u < edge[:, 0],
                (u < edge[:, 1]) & (shop >= 0),
                (u >= edge[:, 1]) & (u < edge[:, 2]) & (work >= 0),
                (u >= edge[:, 2]) & (u < edge[:, 3]) & (site >= 0),
                (u >= edge[:, 3]) & (u < edge[:, 4]),
                u >= edge[:, 4],
            ],
            [
                at_home,
                spots.building_at + (self.shops[np.maximum(shop, 0)] if len(self.shops) else home * 0),
                spots.building_at + (self.works[np.maximum(work, 0)] if len(self.works) else home * 0),
                spots.site_at + np.maximum(site, 0),
                spots.building_at + self.home_building[home],
                spots.community_at + community,
            ],
            at_home,
        )

    def alarms(self) -> Draft:
        """The district's alarms without what is planted."""
        rng, people = self.rng, self.people
        n = max(20, round(ALARMS * self.share))
        scale = _DISPUTE_SHARE / sum(w for _, w in DISPUTES)
        weights = [w * scale for _, w in DISPUTES] + [w for _, _, w, _, _ in _OTHERS]
        category = draw(rng, weights, n)
        shares = np.array([AT_HOME] * len(DISPUTES) + [where for _, _, _, where, _ in _OTHERS])
        opposed = np.array([0.92] * len(DISPUTES) + [share for *_, share in _OTHERS])
        one = rng.integers(0, len(people.home), n)
        one = np.where(people.years[one] < 14, people.head[one], one)
        two = np.where(rng.random(n) < opposed[category], self.other(one, category), -1)
        draft = Draft(
            times(rng, self.options, n), category, self.places_for(one, shares[category]), one, two, np.full(n, -1),
            rng.random(n) < 0.7, np.full(n, -1), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64),
        )  # fmt: skip
        self._repeat(draft)
        return draft

    def _repeat(self, draft: Draft) -> None:
        """Let some dispute alarms be later calls about an earlier one: same people, same place."""
        rng = self.rng
        disputes = np.flatnonzero(draft.category < len(DISPUTES))
        count = round(len(disputes) * _REPEATED)
        again = rng.choice(disputes, count, replace=False)
        earlier = rng.choice(disputes, count)
        later = draft.second[earlier] + (rng.exponential(40, count) * 86400 + 7200).astype(np.int64)
        fits = (later <= int((self.options.now - _EPOCH).total_seconds())) & ~np.isin(earlier, again)
        again, earlier = again[fits], earlier[fits]
        for column in (draft.category, draft.spot, draft.one, draft.two, draft.known):
            column[again] = column[earlier]
        draft.second[again] = later[fits]

    def mediations(self, alarms: Draft) -> Draft:
        """Mediations: a third of them are alarms that the police referred, the rest came by themselves."""
        rng, people = self.rng, self.people
        n = max(6, round(MEDIATIONS * self.share))
        disputes = np.flatnonzero(alarms.category < len(DISPUTES))
        disputes = disputes[alarms.two[disputes] >= 0]
        referred = min(len(disputes), round(n * 0.35))
        ref = rng.choice(disputes, referred, replace=False)
        swap = rng.random(referred) < 0.3
        first = Draft(
            alarms.second[ref] + rng.integers(3600, 5 * 86400, referred), alarms.category[ref], alarms.spot[ref],
            np.where(swap, alarms.two[ref], alarms.one[ref]), np.where(swap, alarms.one[ref], alarms.two[ref]),
            np.full(referred, -1), rng.random(referred) < 0.9, ref, np.zeros(referred, dtype=np.bool_),
            np.zeros(referred, dtype=np.int64),
        )  # fmt: skip
        own = n - referred
        category = draw(rng, [w for _, w in DISPUTES], own)
        one = rng.integers(0, len(people.home), own)
        one = np.where(people.years[one] < 16, people.head[one], one)
        firm = np.where(_AGAINST_FIRM[category] & (rng.random(own) < 0.8), self.firm_for(one), -1)
        two = np.where(firm >= 0, -1, self.other(one, category))
        second = Draft(
            times(rng, self.options, own, office=True), category, self.places_for(one, np.tile(AT_HOME, (own, 1))), one, two, firm,
            rng.random(own) < 0.92, np.full(own, -1), np.zeros(own, dtype=np.bool_), np.zeros(own, dtype=np.int64),
        )  # fmt: skip
        return Draft.join([first, second])

    def firm_for(self, one: Ints) -> Ints:
        employer = self.enterprises.employer[one]
        local = self.skewed(self.enterprises.community, self.people.community[one], 1.4)
        return np.where(employer >= 0, employer, local)

    def planted(self, base: int) -> tuple[Draft, Draft]:
        """Planted repeats and near misses: (alarms, mediations). `base` is the row of the first planted
        alarm.
        """
        rng, people, spots = self.options.rng("planted-repeats"), self.people, self.spots
        repeats = self.options.planted("repeat-disputes", 600)
        misses = self.options.planted("near-misses", 600)
        homes = np.flatnonzero((people.use == OWN) & (people.first >= 0))
        adults = np.flatnonzero((people.years > 20) & (people.years < 75) & (people.death < 0))
        rows: tuple[list[tuple[int, int, int, int, int, int, bool]], ...] = ([], [])
        last = day_number(self.options.until)

        def put(
            mediation: bool, day: int, spot: int, one: int, two: int, planted: bool, ref: int = -1
        ) -> int:
            hour = int(rng.integers(8, 20)) * 3600 + int(rng.integers(0, 3600))
            category = int(draw(rng, [w for _, w in DISPUTES[:4]], 1)[0])
            rows[mediation].append((min(day, last) * 86400 + hour, category, spot, one, two, ref, planted))
            return base + len(rows[0]) - 1

        def folk(count: int) -> list[int]:
            found: list[int] = rng.choice(adults, count, replace=False).tolist()
            return found

        def offsets(kind: int) -> list[int]:
            """Days of a group's incidents: from close together to the widest that still counts."""
            if kind % 4 == 0:
                return [0, int(rng.integers(1, 89)), 90]
            if kind % 4 == 1:  # a long row, longer than the window as a whole, joined by what they share
                return [0, 30, 60, 89, 110, 150]
            return sorted([0, *rng.integers(1, 85, int(rng.integers(2, 5))).tolist()])

        for group in range(repeats):
            gaps = offsets(group // 2)
            day = last - int(rng.integers(gaps[-1], DAYS - 5))
            home = int(rng.choice(homes))
            if group % 2 == 0:  # by place: the same dwelling, others against it each time
                people_here = folk(len(gaps) * 2)
                for i, gap in enumerate(gaps):
                    one, two = (
                        int(people.first[home]) if i % 2 else people_here[2 * i],
                        people_here[2 * i + 1],
                    )
                    put(rng.random() < 0.4, day + gap, spots.home_at + home, one, two, True)
            else:  # by parties: the same two, in changing roles and places
                one, two = folk(2)
                where = [spots.home_at + int(people.home[one]), spots.home_at + int(people.home[two])]
                where += [spots.community_at + int(people.community[one])]
                for i, gap in enumerate(gaps):
                    pair = (one, two) if i % 2 else (two, one)
                    put(rng.random() < 0.4, day + gap, where[i % 3], *pair, True)
        for group in range(misses):
            day = last - int(rng.integers(130, DAYS - 5))
            home = int(rng.choice(homes))
            spot = spots.home_at + home
            a, b, c, d, e, f = folk(6)
            if group % 4 == 0:  # twice only
                put(False, day, spot, a, b, False)
                put(True, day + 20, spot, c, d, False)
            elif group % 4 == 1:  # three times, the window just missed
                for i, gap in enumerate((0, 46, 91)):
                    put(i == 1, day + gap, spot, (a, b, c)[i], (d, e, f)[i], False)
            elif group % 4 == 2:  # one matter reported three times
                alarm = put(False, day, spot, a, b, False)
                put(True, day + 1, spot, a, b, False, alarm)
                put(True, day + 6, spot, b, a, False, alarm)
            else:  # another pair at another place
                for i, (one, two) in enumerate(((a, b), (b, a), (a, c))):
                    put(i == 2, day + 9 * i, spots.home_at + int(people.home[(a, b, c)[i]]), one, two, False)
        drafts = []
        for table in rows:
            columns = np.array([row[:6] for row in table], dtype=np.int64).reshape(-1, 6)
            n, planted = len(columns), np.array([row[6] for row in table], dtype=np.bool_)
            drafts.append(
                Draft(
                    columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3], columns[:, 4], np.full(n, -1),
                    np.ones(n, dtype=np.bool_), columns[:, 5], planted, np.where(planted, 0, NEAR.index("repeats")),
                )
            )  # fmt: skip
        return drafts[0], drafts[1]

    def calls(self) -> Draft:
        """Planted alarms that are no disputes: who calls the police again and again for what is not theirs, and people lost an hour ago.

        What looks alike: twice only, three times in half a year, three calls of which one is for the police; people found by now.
        """
        rng, people, spots = self.options.rng("planted-calls"), self.people, self.spots
        now = int((self.options.now - _EPOCH).total_seconds())
        other, locked, lost = (
            CATEGORIES.index(c) for c in (("非警务", ""), ("求助", "开锁"), ("求助", "走失"))
        )
        phone = people.frame["phone"].is_not_null().to_numpy()
        able = np.flatnonzero(
            (people.years > 20) & (people.death < 0) & (people.left < 0) & phone[people.head]
        )
        rows: list[tuple[int, int, int, int]] = []
        for group in range(2 * share(self.options, self.places, "callers", CALLERS, 6)):
            one = int(rng.choice(able))
            gaps = sorted([0, *rng.integers(1, 85, int(rng.integers(2, 5))).tolist()])
            about, near = [other] * len(gaps), 0
            if group % 2:
                near = NEAR.index("non_police_again")
                gaps = ([0, 30], [0, 90, 181], [0, 20, 40])[group // 2 % 3]
                about = [other, other, locked if group // 2 % 3 == 2 else other][: len(gaps)]
            day = int(now // 86400 - rng.integers(190, DAYS - 5))
            for gap, category in zip(gaps, about, strict=True):
                second = (day + gap) * 86400 + int(rng.integers(8, 21)) * 3600 + int(rng.integers(0, 3600))
                rows.append((second, category, one, near))
        for group in range(2 * share(self.options, self.places, "lost-people", LOST, 3)):
            found = group % 2
            ago = int(rng.integers(9 * 3600, 20 * 3600)) if found else int(rng.integers(60, 1500))
            rows.append((now - ago, lost, int(rng.choice(able)), NEAR.index("lost_person") * found))
        columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
        when, what, who = columns[:, 0], columns[:, 1], columns[:, 2]
        n = len(when)
        none = np.full(n, -1)
        # Where somebody was last seen is seldom at home.
        home = spots.home_at + people.home[who]
        spot = np.where(what == lost, spots.community_at + people.community[who], home)
        no, yes = np.zeros(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)
        return Draft(when, what, spot, who, none, none, no, none, yes, columns[:, 3])

    # -- feeds
    # -----------------------------------------------------------------------------------------------------

    def cause(self, category: Ints) -> pl.Series:
        lists = [CAUSES[name or kind] for kind, name in CATEGORIES]
        sizes = np.array([len(words) for words in lists])
        starts = np.cumsum(sizes) - sizes
        flat = [word for words in lists for word in words]
        return pick(
            flat, starts[category] + (self.rng.random(len(category)) * sizes[category]).astype(np.int64)
        )

    def _steps(self, draft: Draft) -> tuple[Ints, Ints, Ints]:
        rng, n = self.rng, len(draft.second)
        sent = draft.second + rng.integers(20, 240, n)
        arrived = sent + (rng.gamma(2.2, 260, n) + 90).astype(np.int64)
        done = arrived + (rng.lognormal(8.0, 0.9, n) + 300).astype(np.int64)
        slow = rng.random(n) < 0.02
        return sent, arrived, np.where(slow, done + rng.integers(86400, 12 * 86400, n), done)

    def alarm_feed(self, draft: Draft, vehicles: pl.DataFrame) -> pl.DataFrame:
        """公安_警情, in the order of time."""
        rng, people, spots, n = self.rng, self.people, self.spots, len(draft.second)
        now = int((self.options.now - _EPOCH).total_seconds())
        sent, arrived, done = self._steps(draft)
        over = draft.category == CATEGORIES.index(("无效", ""))
        arrived = np.where(over, now + 1, arrived)
        done = np.where(over, sent + 60, done)
        state = np.select(
            [done <= now, arrived <= now, sent <= now],
            [np.where(rng.random(n) < 0.3, 5, 4), np.where(rng.random(n) < 0.5, 2, 3), 1],
            0,
        )
        one, two = draft.one, draft.two
        known = draft.known & (two >= 0)
        caller_other = rng.random(n) < 0.2
        bystander = in_groups(rng, people.community, people.community[one], self.count)
        caller = np.where(caller_other, people.head[bystander], one)
        caller = np.where(caller_other & draft.planted, one, caller)
        phone = people.frame["phone"].gather(people.head[caller])
        traffic = np.array([kind == "交通" or name == "车辆火灾" for kind, name in CATEGORIES])[
            draft.category
        ]
        plate = vehicles["号牌号码"].gather(rng.integers(0, len(vehicles), n))
        kinds, categories = [k for k, _ in CATEGORIES], [c for _, c in CATEGORIES]
        category = only_if(
            pick(categories, draft.category), np.array([bool(c) for c in categories])[draft.category]
        )
        dispute = draft.category < len(DISPUTES)
        name_two = people.frame["name"].gather(np.maximum(two, 0))
        quarrel = cat(
            "报警人称在", spots.full.gather(draft.spot).str.slice(3), "因", self.cause(draft.category),
            pick(("与人发生争吵", "引发纠纷，双方各执一词", "起争执，请求民警处理", "多次协商未果，再次争吵"), rng.integers(0, 4, n)), "。",
        )  # fmt: skip
        plain = cat(
            "报警称：",
            self.cause(draft.category),
            pick(("，请求处警。", "，要求处理。", "。"), rng.integers(0, 3, n)),
        )
        community = people.community[one]
        street_codes = [c.street for c in self.places.communities]
        street_names = [f"{c.street_name}派出所" for c in self.places.communities]
        day = pl.Series((draft.second // 86400).astype(np.int32)).cast(pl.Date).dt.strftime("%Y%m%d")
        party = (rng.random(n) < 0.82) | dispute
        return pl.DataFrame(
            {
                "接警单号": cat("J", day, digits(np.arange(1, n + 1), 7)),
                "报警时间": moments(draft.second),
                "警情类别": pick(kinds, draft.category),
                "警情细类": category,
                "报警人姓名": people.frame["name"].gather(caller),
                "报警人电话": phone,
                "报警人证件号": only_if(people.frame["identity"].gather(caller), rng.random(n) < 0.6),
                "当事人姓名": only_if(people.frame["name"].gather(one), party),
                "当事人证件号": only_if(
                    people.frame["identity"].gather(one), party & (draft.known | (rng.random(n) < 0.5))
                ),
                "对方姓名": only_if(name_two, two >= 0),
                "对方证件号": only_if(people.frame["identity"].gather(np.maximum(two, 0)), known),
                "事发地址": spots.full.gather(draft.spot),
                "地址编码": spots.code.gather(draft.spot),
                "简要警情": either(dispute, quarrel, plain),
                "涉事车辆号牌": only_if(plate, traffic & (rng.random(n) < 0.8)),
                "派警时间": moments(sent, sent <= now),
                "到场时间": moments(arrived, arrived <= now),
                "办结时间": moments(done, done <= now),
                "处置状态": pick(("待签收", "已分派", "到场", "处置中", "已办结", "结案"), state),
                "处警单位代码": cat("PS", pick(street_codes, community)),
                "处警单位": pick(street_names, community),
                "更新时间": moments(
                    np.max([np.where(x <= now, x, 0) for x in (draft.second, sent, arrived, done)], axis=0)
                ),
                "_one": truth_person(np.where(party, one, -1)),
                "_two": truth_person(two),
                "_caller": truth_person(caller),
                "_planted": draft.planted,
            }
        )

    def mediation_feed(self, draft: Draft, alarm_numbers: pl.Series) -> pl.DataFrame:
        """司法_矛盾纠纷调解; `ref` now counts rows of the alarm feed."""
        rng, people, spots, firms, n = self.rng, self.people, self.spots, self.enterprises, len(draft.second)
        now = int((self.options.now - _EPOCH).total_seconds())
        done = draft.second + (rng.gamma(2.0, 6.0, n) * 86400 + 7200).astype(np.int64)
        closed = done <= now
        state = np.where(
            closed, draw(rng, (0, 0, 86, 11, 3), n), np.where(now - draft.second < 2 * 86400, 0, 1)
        )
        one, two, firm = draft.one, np.maximum(draft.two, 0), np.maximum(draft.firm, 0)
        is_firm, has_two = draft.firm >= 0, (draft.two >= 0) | (draft.firm >= 0)
        name = either(is_firm, firms.name.gather(firm), people.frame["name"].gather(two))
        number = either(is_firm, firms.code.gather(firm), people.frame["identity"].gather(two))
        phone = either(is_firm, firms.feed["联系电话"].gather(firm), people.frame["phone"].gather(two))
        community = people.community[one]
        communities = self.places.communities
        day = pl.Series((draft.second // 86400).astype(np.int32)).cast(pl.Date).dt.strftime("%Y%m%d")
        mediators = [f"{s}{t}" for s in _OFFICERS for t in ("调解员", "主任", "师傅")]
        text = cat(
            "申请人反映与被申请人因", self.cause(draft.category), "产生矛盾，申请",
            pick(("人民调解。", "村社调解组织介入。", "双方当面协商。"), rng.integers(0, 3, n)),
        )  # fmt: skip
        return pl.DataFrame(
            {
                "调解编号": cat("TJ", day, digits(np.arange(1, n + 1), 7)),
                "受理时间": moments(draft.second),
                "纠纷类型": pick([c for _, c in CATEGORIES], draft.category),
                "申请人姓名": people.frame["name"].gather(one),
                "申请人证件号": people.frame["identity"].gather(one),
                "申请人电话": people.frame["phone"].gather(one),
                "被申请人姓名": only_if(name, has_two),
                "被申请人证件号": only_if(number, has_two & draft.known),
                "被申请人电话": only_if(phone, has_two),
                "纠纷地址": spots.full.gather(draft.spot),
                "地址编码": spots.code.gather(draft.spot),
                "简要情况": text,
                "关联接警单号": only_if(alarm_numbers.gather(np.maximum(draft.ref, 0)), draft.ref >= 0),
                "调解员": pick(mediators, rng.integers(0, len(mediators), n)),
                "调解组织代码": cat("MC", pick([c.code for c in communities], community)),
                "调解组织": cat(pick([c.full[3:] for c in communities], community), "人民调解委员会"),
                "办结时间": moments(done, closed),
                "调解状态": pick(("已受理", "调解中", "调解成功", "调解不成", "结案"), state),
                "更新时间": moments(np.where(closed, done, draft.second)),
                "_one": truth_person(one),
                "_two": either(is_firm, truth_firm(draft.firm), truth_person(draft.two)),
                "_planted": draft.planted,
            }
        )


def build_incidents(
    options: SeedOptions,
    places: Places,
    people: People,
    enterprises: Enterprises,
    spots: Spots,
    vehicles: pl.DataFrame,
    near: NearMisses,
) -> Incidents:
    """Draw alarms and mediations, plant repeats, write both as feeds."""
    maker = Maker(options, places, people, enterprises, spots)
    now = int((options.now - _EPOCH).total_seconds())
    alarms = maker.alarms()
    mediations = maker.mediations(alarms)
    extra_alarms, extra_mediations = maker.planted(len(alarms.second))
    alarms = Draft.join([alarms, extra_alarms, maker.calls()])
    mediations = Draft.join([mediations, extra_mediations])
    order = np.argsort(alarms.second, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    mediations = mediations.take(np.argsort(mediations.second, kind="stable"))
    mediations = mediations.take(np.flatnonzero(mediations.second <= now))
    mediations.ref = np.where(mediations.ref >= 0, place[np.maximum(mediations.ref, 0)], -1)
    alarms = alarms.take(order)
    alarm_feed = maker.alarm_feed(alarms, vehicles)
    mediation_feed = maker.mediation_feed(mediations, alarm_feed["接警单号"])
    for i, key in enumerate(NEAR[1:], 1):
        near.add(key, alarm_feed["接警单号"].filter(pl.Series(alarms.near == i)))
        near.add(key, mediation_feed["调解编号"].filter(pl.Series(mediations.near == i)))
    return Incidents(alarm_feed, mediation_feed, alarms, mediations)
