"""Medical institutions, schools, and the risk assessments that go before decisions about places."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from ontology.identifiers.uscc import make_usccs
from seed.columns import Bools, Ints, cat, days, digits, draw, either, moments, only_if, pick, spread
from seed.incidents import truth_firm, truth_person
from seed.places import FACTORY, SHOP
from seed.things import DAY, Thing, World

MEDICAL: Final = 700
SCHOOLS: Final = 420
ASSESSMENTS: Final = 420
_MEDICAL: Final = ("综合医院", "社区卫生服务中心", "社区卫生服务站", "诊所", "口腔门诊部", "中医诊所")
_SCHOOLS: Final = (
    ("幼儿园", 46, 260), ("小学", 25, 1150), ("初级中学", 13, 1000), ("九年一贯制学校", 7, 1700), ("高级中学", 5, 1500),
    ("中等职业学校", 4, 1900),
)  # fmt: skip
_DECISIONS: Final = (
    ("征地拆迁", 34, "地块征收项目"), ("工程建设", 36, "道路提升及配套工程"), ("邻避设施", 9, "垃圾中转站建设"),
    ("政策调整", 12, "停车收费调整"), ("重大活动", 9, "大型群众性活动"),
)  # fmt: skip


def _codes(world: World, part: str, heads: list[str]) -> pl.Series:
    """Credit codes of those that no market register has: heads 12 and 52 are given to nobody else."""
    rng = world.options.rng(part)
    n = len(heads)
    return pl.Series(
        make_usccs(np.array(heads, dtype="<U2"), np.full(n, 330109), spread(rng, n, 99_999_989))
        .astype(str)
        .tolist(),
        dtype=pl.String,
    )


def _grown(world: World, rng: np.random.Generator, n: int) -> Ints:
    grown = np.flatnonzero((world.people.years >= 35) & (world.people.years < 60) & (world.people.death < 0))
    return grown[rng.integers(0, len(grown), n)]


def _houses(world: World, rng: np.random.Generator, n: int) -> Ints:
    """Rows of shops and works."""
    kind = world.places.buildings["kind"].to_numpy()
    rows = np.flatnonzero(np.isin(kind, (SHOP, FACTORY)))
    rows = rows if len(rows) else np.arange(len(kind))
    return rows[rng.integers(0, len(rows), n)]


def _said(world: World, community: Ints, *, street: bool = False) -> pl.Series:
    """Names of communities, or of their streets, without what kind of place they are."""
    names = [c.street_name if street else c.name for c in world.places.communities]
    return pick(names, community).str.replace("(社区|村|街道|镇)$", "")


def build_medical(world: World) -> Thing:
    """卫健_医疗机构. Public ones have codes of their own; private ones are enterprises of the market register."""
    rng = world.options.rng("medical")
    firms = world.enterprises
    clinics = world.firms(("卫生业",), companies=False)
    n = world.count(MEDICAL, 4)
    public_n = max(2, round(n * 0.35))
    private = rng.permutation(clinics)[: max(1, n - public_n)]
    n = public_n + len(private)
    public: Bools = np.arange(n) < public_n
    firm = np.concatenate([np.full(public_n, -1), private])
    form = np.where(public, draw(rng, (6, 16, 78), n), draw(rng, (0.0, 0.0, 0.0, 55, 28, 17), n))
    building = _houses(world, rng, n)
    spot = np.where(public, world.spots.building_at + building, firms.spot[np.maximum(firm, 0)])
    head = np.where(public, _grown(world, rng, n), firms.rep[np.maximum(firm, 0)])
    community = world.places.buildings["community"].to_numpy()[building]
    where = either(form == 2, _said(world, community), _said(world, community, street=True))
    names = cat("杭州市萧山区", where, pick(_MEDICAL, form))
    beds = np.select([form == 0, form == 1], [rng.integers(80, 900, n), rng.integers(10, 80, n)], 0)
    since = world.today - rng.integers(60, 1500, n)
    key = cat("PDY", digits(100_000 + np.arange(1, n + 1), 6), "330109D", digits(form + 1, 1), "001")
    frame = pl.DataFrame(
        {
            "登记号": key,
            "机构名称": either(public, names, world.firm_name(firm)),
            "社会信用代码": either(public, _codes(world, "medical-codes", ["12"] * n), world.firm_code(firm)),
            "机构类别": pick(_MEDICAL, form),
            "医院等级": pick(("三级", "二级", "未定级"), np.where(form == 0, draw(rng, (15, 60, 25), n), 2)),
            "经营性质": pick(("营利性", "政府办"), public.astype(np.int64)),
            "诊疗科目": pick(("内科;外科;妇产科;儿科;急诊", "全科医疗;预防保健", "全科医疗", "内科", "口腔科", "中医科"), form),
            "床位数": only_if(pl.Series(beds).cast(pl.String), beds > 0),
            "执业地址": world.full(spot),
            "地址标准码": world.code(spot),
            "法定代表人": world.person_name(head),
            "法定代表人证件": world.identity(head),
            "联系方式": cat("0571-82", digits(rng.integers(600_000, 899_999, n), 6)),
            "发证日期": days(since),
            "有效期截止": days(since + np.where(form < 3, 5479, 1826)),
            "_head": truth_person(head),
            "_firm": truth_firm(firm),
        }
    )  # fmt: skip
    return Thing("medical_institutions", frame, (("法定代表人", "_head"), ("机构名称", "_firm")))


def build_schools(world: World) -> Thing:
    """教育_学校, from kindergarten to vocational school."""
    rng = world.options.rng("schools")
    n = world.count(SCHOOLS, 4)
    sites = world.places.sites
    own = np.flatnonzero(sites["kind"].to_numpy() == 3)[:n]
    form = np.concatenate([np.full(len(own), 1), draw(rng, (60, 5, 16, 8, 6, 5), n - len(own))])
    building = _houses(world, rng, n - len(own))
    spot = np.concatenate([world.spots.site_at + own, world.spots.building_at + building])
    private = (form == 0) & (rng.random(n) < 0.45)
    head = _grown(world, rng, n)
    near = np.concatenate(
        [sites["community"].to_numpy()[own], world.places.buildings["community"].to_numpy()[building]]
    )
    number = pick(list("一二三四五六七八九十"), np.arange(n) % 10)
    words = pick([word for word, _, _ in _SCHOOLS], form)
    known = np.arange(n) < len(own)
    there = sites["name"].gather(np.concatenate([own, np.zeros(n - len(own), dtype=np.int64)]))
    name = either(
        known, cat("杭州市萧山区", there), cat("杭州市萧山区", _said(world, near), "第", number, words)
    )
    size = np.array([pupils for _, _, pupils in _SCHOOLS])[form] * rng.lognormal(0, 0.3, n)
    heads = np.where(private, "52", "12").tolist()
    frame = pl.DataFrame(
        {
            "学校标识码": cat("33330109", digits(np.arange(1, n + 1), 4)),
            "学校名称": name,
            "统一信用代码": _codes(world, "school-codes", heads),
            "办学类型": words,
            "举办性质": pick(("公办", "民办"), private.astype(np.int64)),
            "校址": world.full(spot),
            "校址编码": world.code(spot),
            "在校生数": pl.Series(np.maximum(30, size).astype(np.int64)).cast(pl.String),
            "教职工数": pl.Series(np.maximum(8, size / 14).astype(np.int64)).cast(pl.String),
            "校（园）长": world.person_name(head),
            "校长证件号": world.identity(head),
            "校长手机": world.phone(head),
            "建校年月": days(world.today - rng.integers(400, 20_000, n)),
            "统计学年": pl.Series([f"{world.options.until.year - (world.options.until.month < 9)}学年"], dtype=pl.String).new_from_index(0, n),
            "_head": truth_person(head),
        }
    )  # fmt: skip
    return Thing("schools", frame, (("校（园）长", "_head"),))


def build_assessments(world: World) -> Thing:
    """政法委_风险评估: what a decision about a place was judged to bring, before it was taken."""
    rng = world.options.rng("assessments")
    n = world.count(ASSESSMENTS, 4)
    form = draw(rng, [w for _, w, _ in _DECISIONS], n)
    filled = world.places.filled
    whole = rng.random(n) < 0.6
    site = rng.integers(0, len(world.places.sites), n)
    at_site = world.places.sites["community"].to_numpy()[site]
    community = np.where(whole, filled[rng.integers(0, len(filled), n)], at_site)
    spot = np.where(whole, world.spots.community_at + community, world.spots.site_at + site)
    opened = np.sort(world.today - rng.integers(3, 725, n))
    judged = opened + rng.integers(20, 70, n)
    over = judged <= world.today
    risk = draw(rng, (6, 24, 70), n)
    outcome = np.where(
        risk == 0, draw(rng, (0, 55, 45), n), np.where(risk == 1, draw(rng, (70, 30, 0), n), 0)
    )
    homes = rng.integers(20, 900, n)
    papers = (homes * rng.uniform(0.4, 0.95, n)).astype(np.int64)
    against = np.round(np.array([31.0, 12.0, 3.0])[risk] * rng.lognormal(0, 0.3, n), 1)
    scores = [
        np.clip(np.round(rng.normal(92 - 12 * (2 - risk), 4, n)), 40, 100).astype(np.int64) for _ in range(4)
    ]
    street = pick([c.street_name for c in world.places.communities], community)
    year = days(opened).str.slice(0, 4)
    key = cat("FXPG-", year, "-", digits(np.arange(1, n + 1), 4))
    owner = pick(("区住建局", "区交通运输局", "区城管局", "区发改局", "区文旅局"), form)
    frame = pl.DataFrame(
        {
            "评估编号": key,
            "决策事项": cat(world.full(spot).str.slice(3), pick([text for _, _, text in _DECISIONS], form)),
            "事项类别": pick([word for word, _, _ in _DECISIONS], form),
            "责任单位": owner,
            "属地镇街": street,
            "涉及区域": world.full(spot),
            "区域编码": world.code(spot),
            "涉及户数": pl.Series(homes).cast(pl.String),
            "回收问卷": pl.Series(papers).cast(pl.String),
            "反对率": cat(pl.Series(against).cast(pl.String), "%"),
            "合法性": pl.Series(scores[0]).cast(pl.String),
            "合理性": pl.Series(scores[1]).cast(pl.String),
            "可行性": pl.Series(scores[2]).cast(pl.String),
            "可控性": pl.Series(scores[3]).cast(pl.String),
            "风险等级": only_if(pick(("高风险", "中风险", "低风险"), risk), over),
            "评估结论": only_if(pick(("准予实施", "暂缓实施", "不予实施"), outcome), over),
            "受理日期": days(opened),
            "评审日期": days(judged, over),
            "办理状态": pick(("评估中", "已备案"), over.astype(np.int64)),
            "报备时间": moments(np.where(over, judged, opened) * DAY + rng.integers(30_600, 62_000, n)),
        }
    )  # fmt: skip
    return Thing("risk_assessments", frame)
