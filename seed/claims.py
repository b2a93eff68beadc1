"""What people bring forward themselves: at the hall's windows, by petition, to the court, to labour arbitration
and to the market's complaint office.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.city_work import DISPUTE_TOPICS
from seed.columns import cat, digits, draw, either, moments, only_if, pick
from seed.gathered import gather_complaints, gather_labour, petition_late
from seed.incidents import DISPUTES, truth_firm, truth_person
from seed.matters import TOPICS, Batch, Earlier, Stories, day_text, numbered, topic, words, year_text

HALL_VISITS: Final = 24_000
PETITIONS: Final = 14_000
SUITS: Final = 16_000
LABOUR: Final = 6_000
COMPLAINTS: Final = 18_000

_WEIGHTS: Final = dict(DISPUTES)
_AGAINST: Final = {"劳动争议": 0.85, "消费": 0.8, "物业": 0.7, "生产经营": 0.6, "合同": 0.35, "医疗": 0.6}
_COUNSEL: Final = "俞 沈 傅 来 汤 倪 楼 瞿".split()

SUIT_WORDS: Final = {
    "邻里": "相邻关系纠纷", "婚姻家庭": "离婚纠纷", "损害赔偿": "健康权纠纷", "租赁": "房屋租赁合同纠纷", "劳动争议": "追索劳动报酬纠纷",
    "消费": "服务合同纠纷", "物业": "物业服务合同纠纷", "合同": "买卖合同纠纷", "房屋宅基地": "宅基地使用权纠纷",
    "道路交通事故": "机动车交通事故责任纠纷", "生产经营": "合伙合同纠纷", "医疗": "医疗损害责任纠纷", "环境污染": "环境污染责任纠纷",
    "村务": "侵害集体经济组织成员权益纠纷", "山林土地": "土地承包经营权纠纷", "征地拆迁": "房屋拆迁安置补偿合同纠纷",
}  # fmt: skip
PETITION_WORDS: Final = {
    "邻里": "邻里纠纷类", "婚姻家庭": "婚姻家庭类", "损害赔偿": "人身损害类", "租赁": "房屋租赁类", "劳动争议": "劳动和社会保障", "消费": "市场监管",
    "物业": "物业服务类", "合同": "经济纠纷", "房屋宅基地": "宅基地类", "道路交通事故": "交通事故赔偿", "生产经营": "企业经营类", "医疗": "卫生健康",
    "环境污染": "生态环境", "村务": "村级事务", "山林土地": "土地承包类", "征地拆迁": "征地拆迁补偿", "违法建设": "违建举报",
    "噪音扰民": "噪声问题", "油烟扰民": "餐饮油烟",
}  # fmt: skip
HALL_WORDS: Final = {name: name for name in TOPICS[: len(DISPUTES)]}
_LABOUR_KINDS: Final = ("劳动报酬", "工伤待遇", "经济补偿", "加班工资", "社会保险", "解除劳动合同")
_COMPLAINTS: Final = (
    ("售后服务", "售后拖延不处理"), ("商品质量", "购买的商品存在质量问题"), ("价格问题", "实际收费与标价不符"),
    ("预付卡", "办理的预付卡余额无法退还"), ("虚假宣传", "宣传与实际服务不符"), ("食品安全", "食品过期变质"), ("格式条款", "店方以店堂告示拒绝退款"),
)  # fmt: skip


def _other_truth(batch: Batch) -> pl.Series:
    """Truth ids of the other side."""
    return either(batch.firm >= 0, truth_firm(batch.firm), truth_person(batch.two))


def build_hall_visits(stories: Stories) -> pl.DataFrame:
    """矛调中心_窗口登记: who came, on what, how hard it is, and where it was passed on to."""
    rng = stories.begin("hall-visits")
    batch = stories.draw(
        stories.count(HALL_VISITS), _WEIGHTS,
        (
            Earlier("alarms", 0.14, DISPUTE_TOPICS, (0.5, 9)), Earlier("mediations", 0.14, DISPUTE_TOPICS, (1, 40)),
            Earlier("hotline", 0.06, DISPUTE_TOPICS, (0.5, 8)),
        ),
        firms=_AGAINST,
    )  # fmt: skip
    n = len(batch)
    number = cat("MT", day_text(batch.second), digits(np.arange(1, n + 1), 6))
    stories.keep("hall_visits", number, batch)
    done, over = stories.ended(batch.second, 9)
    name, _, phone = stories.party(batch)
    level = draw(rng, (55, 36, 9), n)
    where = draw(rng, (46, 14, 12, 10, 18), n)
    state = np.where(over, draw(rng, (0, 0, 8, 72, 20), n), draw(rng, (25, 75), n))
    people = 1 + draw(rng, (70, 18, 7, 3, 2), n)
    return pl.DataFrame(
        {
            "登记流水号": number,
            "来访时间": moments(batch.second),
            "来访人": stories.name(batch.one, batch.second),
            "来访人身份证": stories.identity(batch.one, 0.85),
            "联系方式": stories.phone(batch.one),
            "来访人数": pl.Series(people).cast(pl.String),
            "事项分类": pick(words(HALL_WORDS, "其他来访事项"), batch.topic),
            "来访事项": cat(
                "来访人称因",
                stories.cause(batch.topic),
                "与",
                name.fill_null("他人"),
                "发生矛盾，要求协调处理。",
            ),
            "对方当事人": name,
            "对方电话": phone,
            "事发地点": stories.spots.full.gather(batch.spot),
            "难易分级": pick(("轻", "一般", "疑难"), level),
            "分流去向": pick(("人民调解", "信访接待", "诉讼服务", "劳动仲裁", "当场答复"), where),
            "关联编号": only_if(batch.said, rng.random(n) < 0.6),
            "窗口号": cat(pl.Series(rng.integers(1, 34, n)).cast(pl.String), "号"),
            "接待员": stories.choice([f"{s}{t}" for s in _COUNSEL for t in ("萍", "建国", "颖")], n),
            "办结时间": moments(done, over),
            "办理情况": pick(("已登记", "办理中", "已分流", "办结", "调解结案"), state),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": batch.one,
            "_two": _other_truth(batch),
        }
    )


def build_labour(stories: Stories) -> pl.DataFrame:
    """人社_劳动争议: arbitration between a worker and an enterprise."""
    rng = stories.begin("labour")
    about = (topic("劳动争议"),)
    batch = stories.draw(
        stories.count(LABOUR), {"劳动争议": 1.0},
        (
            Earlier("mediations", 0.2, about, (5, 60), firm=True), Earlier("hall_visits", 0.12, about, (2, 40), firm=True),
            Earlier("hotline", 0.1, about, (1, 20), firm=True),
        ),
        firms={"劳动争议": 1.0}, opposed=0.0,
    )  # fmt: skip
    gather_labour(stories, batch)
    n = len(batch)
    year = year_text(batch.second)
    number = cat("浙杭萧劳人仲案〔", year, "〕", pl.Series(numbered(batch.second)).cast(pl.String), "号")
    stories.keep("labour_disputes", number, batch)
    done, over = stories.ended(batch.second, 42)
    taken = np.minimum(batch.second + rng.integers(1, 6, n) * 86400, stories.now)
    name, code, phone = stories.party(batch)
    kind = draw(rng, (44, 18, 14, 10, 5, 9), n)
    money = np.round(rng.lognormal(9.6, 0.8, n), 2)
    end = np.where(over, draw(rng, (0, 38, 45, 15, 2), n), 0)
    street = stories.street(batch.spot)
    return pl.DataFrame(
        {
            "仲裁案号": number,
            "申请日期": moments(batch.second).str.slice(0, 10),
            "劳动者": stories.name(batch.one, batch.second),
            "劳动者身份证号": stories.identity(batch.one, 1.0),
            "劳动者手机": stories.phone(batch.one, 0.95),
            "用人单位": name,
            "用人单位信用代码": code,
            "单位电话": phone,
            "争议类型": pick(_LABOUR_KINDS, kind),
            "仲裁请求": cat(
                "请求被申请人支付",
                pick(_LABOUR_KINDS, kind),
                "等共计",
                pl.Series(money).cast(pl.String),
                "元。",
            ),
            "请求金额": cat(pl.Series(money).cast(pl.String), "元"),
            "用工地点": stories.spots.full.gather(batch.spot),
            "前置调解编号": only_if(batch.said, (batch.parent == 0) & (rng.random(n) < 0.7)),
            "受理庭代码": cat("LA", stories.street_code(batch.spot)),
            "受理庭": cat(street, "劳动人事争议仲裁庭"),
            "立案日期": moments(taken).str.slice(0, 10),
            "结案日期": moments(done, over).str.slice(0, 10),
            "处理结果": pick(("审理中", "裁决", "调解结案", "撤回申请", "不予受理"), end),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": batch.one,
            "_two": _other_truth(batch),
        }
    )


def build_complaints(stories: Stories) -> pl.DataFrame:
    """市监_消费投诉 (12315). Consumers give a name and a phone; few give a number."""
    rng = stories.begin("complaints")
    about = (topic("消费"),)
    batch = stories.draw(
        stories.count(COMPLAINTS), {"消费": 1.0},
        (Earlier("hotline", 0.12, about, (0.1, 5), firm=True), Earlier("alarms", 0.02, about, (0.2, 5))),
        firms={"消费": 1.0}, opposed=0.0, office=False,
    )  # fmt: skip
    n = len(batch)
    kind = draw(rng, (20, 24, 12, 18, 10, 12, 4), n)
    gather_complaints(stories, batch, kind, [name for name, _ in _COMPLAINTS].index("预付卡"))
    number = cat("XF330109", day_text(batch.second), digits(np.arange(1, n + 1), 6))
    stories.keep("complaints", number, batch)
    done, over = stories.ended(batch.second, 14)
    name, code, _ = stories.party(batch, 0.88)
    money = np.round(rng.lognormal(6.2, 1.2, n), 2)
    state = np.where(over, draw(rng, (0, 0, 62, 22, 16), n), draw(rng, (20, 80), n))
    firm_spot = np.where(batch.firm >= 0, stories.enterprises.spot[np.maximum(batch.firm, 0)], batch.spot)
    return pl.DataFrame(
        {
            "登记编号": number,
            "登记时间": moments(batch.second),
            "消费者": either(rng.random(n) < 0.85, stories.name(batch.one), stories.polite(batch.one)),
            "消费者电话": stories.phone(batch.one, 0.93),
            "消费者证件号": stories.identity(batch.one, 0.08),
            "被投诉主体": name,
            "主体代码": code,
            "经营场所": stories.spots.full.gather(firm_spot),
            "地址编码": stories.spots.code.gather(firm_spot),
            "问题类别": pick([c for c, _ in _COMPLAINTS], kind),
            "投诉内容": cat(
                "消费者称在该店消费，",
                pick([t for _, t in _COMPLAINTS], kind),
                "，涉及金额",
                pl.Series(money).cast(pl.String),
                "元，要求协调退款。",
            ),
            "涉及金额": pl.Series(money).cast(pl.String),
            "来源工单": only_if(batch.said, (batch.parent == 0) & (rng.random(n) < 0.7)),
            "受理所代码": cat("SJ", stories.street_code(firm_spot)),
            "受理所": cat(stories.street(firm_spot), "市场监管所"),
            "办结时间": moments(done, over),
            "处理结果": pick(("已登记", "处理中", "达成和解", "终止调解", "不予受理"), state),
            "_one": batch.one,
            "_two": _other_truth(batch),
        }
    )


def build_petitions(stories: Stories) -> pl.DataFrame:
    """信访_信访件: a message in free text that names the place, often the other side and what was tried before."""
    rng = stories.begin("petitions")
    weights = {"征地拆迁": 14.0, "村务": 12, "劳动争议": 14, "物业": 12, "房屋宅基地": 10, "邻里": 8, "环境污染": 6, "违法建设": 7, "噪音扰民": 5,
               "油烟扰民": 3, "山林土地": 4, "合同": 5, "婚姻家庭": 3, "医疗": 2, "消费": 3}  # fmt: skip
    batch = stories.draw(
        stories.count(PETITIONS), weights,
        (
            Earlier("alarms", 0.16, DISPUTE_TOPICS, (1, 14)), Earlier("mediations", 0.14, DISPUTE_TOPICS, (5, 45)),
            Earlier("hotline", 0.14, (), (1, 20)), Earlier("hall_visits", 0.08, (), (2, 30)),
        ),
        firms=_AGAINST, opposed=0.6,
    )  # fmt: skip
    petition_late(stories, batch)
    n = len(batch)
    number = cat("XFJ", year_text(batch.second), digits(np.arange(1, n + 1), 7))
    stories.keep("petitions", number, batch)
    done, over = stories.ended(batch.second, 30)
    name, _, _ = stories.party(batch)
    phone = stories.phone(batch.one)
    says = (batch.parent >= 0) & (rng.random(n) < 0.5)
    before = pick(("我曾于当日报警，接警单号", "此事已经申请过人民调解，调解编号", "我已拨打12345，工单编号", "我到过矛调中心，登记号"), np.maximum(batch.parent, 0))  # fmt: skip
    told = only_if(cat(before, batch.said, "，但问题至今没有解决。"), says)
    vague = pick(
        (
            "此前也向有关部门反映过，一直没有结果。",
            "多次找村社干部，都说在处理。",
            "这件事已经影响到我们全家的正常生活。",
        ),
        rng.integers(0, 3, n),
    )
    against = only_if(cat("对方是", name, "。"), rng.random(n) < 0.8).fill_null("")
    reach = only_if(cat("我的联系电话是", phone, "。"), rng.random(n) < 0.45).fill_null("")
    who = stories.name(batch.one)
    greeting = pick(("尊敬的领导：", "各位领导好，", "您好！", ""), draw(rng, (4, 2, 2, 2), n))
    opening = either(rng.random(n) < 0.6, cat("我叫", who, "，家住萧山。"), pl.Series([""] * n))
    place = either(rng.random(n) < 0.5, stories.place(batch.spot), stories.spots.full.gather(batch.spot))
    text = cat(
        greeting, opening, "现反映", place, "的问题：", stories.cause(batch.topic), "。", against, told.fill_null(vague),
        pick(("恳请领导重视此事，派人到现场调查核实，依法处理，给我们老百姓一个答复。", "请求有关部门依法查处，并将处理结果书面告知本人。", "希望政府部门主持公道，尽快协调解决，给百姓一个说法。"), rng.integers(0, 3, n)),
        reach,
    )  # fmt: skip
    communities = [c.full[3:] for c in stories.places.communities]
    state = np.where(over, draw(rng, (0, 0, 0, 80, 20), n), draw(rng, (10, 25, 65), n))
    return pl.DataFrame(
        {
            "信访件编号": number,
            "登记日期": moments(batch.second).str.slice(0, 10),
            "信访形式": stories.choice(("网上信访", "来信", "来访", "来电"), n, (55, 12, 20, 13)),
            "信访人": who,
            "证件号码": stories.identity(batch.one, 0.72),
            "联系电话": phone,
            "信访人数": pl.Series(1 + draw(rng, (84, 6, 4, 3, 3), n)).cast(pl.String),
            "问题属地": pick(communities, stories.community[batch.spot]),
            "内容分类": pick(words(PETITION_WORDS, "其他信访事项"), batch.topic),
            "信访内容": text,
            "被反映人": only_if(name, rng.random(n) < 0.5),
            "初重件": stories.choice(("初件", "重件"), n, (88, 12)),
            "责任单位代码": cat("ZF", stories.street_code(batch.spot)),
            "责任单位": cat(stories.street(batch.spot), "信访工作办公室"),
            "办理期限": moments(batch.second + 60 * 86400).str.slice(0, 10),
            "答复日期": moments(done, over).str.slice(0, 10),
            "办理状态": pick(("已收件", "已转送", "办理中", "已答复", "已归档"), state),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": batch.one,
            "_two": _other_truth(batch),
        }
    )


def build_suits(stories: Stories) -> pl.DataFrame:
    """法院_民事案件: everybody with a number; many come from a mediation that failed."""
    rng = stories.begin("suits")
    batch = stories.draw(
        stories.count(SUITS), {**_WEIGHTS, "合同": 26.0, "婚姻家庭": 22, "道路交通事故": 14, "物业": 12},
        (
            Earlier("mediations", 0.24, DISPUTE_TOPICS, (10, 120)), Earlier("hall_visits", 0.08, DISPUTE_TOPICS, (5, 60)),
            Earlier("petitions", 0.03, DISPUTE_TOPICS, (15, 90)), Earlier("alarms", 0.05, DISPUTE_TOPICS, (3, 30)),
            Earlier("labour_disputes", 0.03, (), (40, 120)),
        ),
        firms=_AGAINST, opposed=1.0,
    )  # fmt: skip
    n = len(batch)
    year = year_text(batch.second)
    number = cat("（", year, "）浙0109民初", pl.Series(numbered(batch.second)).cast(pl.String), "号")
    stories.keep("suits", number, batch)
    done, over = stories.ended(batch.second, 75)
    name, code, phone = stories.party(batch)
    money = np.round(rng.lognormal(10.2, 1.3, n), 2)
    end = np.where(over, draw(rng, (0, 34, 40, 20, 6), n), 0)
    courts = ("城厢人民法庭", "瓜沥人民法庭", "临浦人民法庭", "民一庭", "民二庭")
    court = rng.integers(0, len(courts), n)
    return pl.DataFrame(
        {
            "案号": number,
            "立案日期": moments(batch.second).str.slice(0, 10),
            "案由": pick(words(SUIT_WORDS, "其他民事纠纷"), batch.topic),
            "原告": stories.name(batch.one, batch.second),
            "原告证件号码": stories.identity(batch.one, 1.0),
            "原告电话": stories.phone(batch.one),
            "被告": name,
            "被告证件号码": code,
            "被告电话": phone,
            "标的额": cat(pl.Series(money).cast(pl.String), "元"),
            "纠纷发生地": stories.spots.full.gather(batch.spot),
            "诉讼请求": cat("请求判令被告就", stories.cause(batch.topic), "承担责任，并承担本案诉讼费用。"),
            "诉前调解编号": only_if(batch.said, (batch.parent == 0) & (rng.random(n) < 0.6)),
            "承办法庭代码": cat("FY330109", digits(court + 1, 2)),
            "承办法庭": cat("萧山区人民法院", pick(courts, court)),
            "承办法官": stories.choice([f"{s}{t}" for s in _COUNSEL for t in ("法官", "审判员")], n),
            "结案日期": moments(done, over).str.slice(0, 10),
            "审理状态": pick(("审理中", "判决", "调解结案", "撤诉", "驳回诉讼请求"), end),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": batch.one,
            "_two": _other_truth(batch),
        }
    )
