"""What comes to the city's windows and patrols: the hotline 12345, city management's cases, emergency
management's inspections, and events of the fire lanes' cameras.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, digits, draw, either, moments, only_if, pick
from seed.incidents import DISPUTES, times, truth_firm, truth_person
from seed.matters import STREET_TOPICS, Earlier, Stories, day_text, topic, words

HOTLINE: Final = 70_000
CASES: Final = 32_000
INSPECTIONS: Final = 14_000
LANE_EVENTS: Final = 40_000

DISPUTE_TOPICS: Final = tuple(topic(name) for name, _ in DISPUTES)
STREET: Final = tuple(name for name, _ in STREET_TOPICS)

HOTLINE_WORDS: Final = {
    "邻里": "邻里矛盾", "婚姻家庭": "家庭纠纷", "租赁": "房屋租赁问题", "劳动争议": "劳资纠纷", "消费": "消费维权", "物业": "物业管理问题",
    "合同": "合同履约问题", "损害赔偿": "损害赔偿", "噪音扰民": "环境噪声", "违停": "机动车乱停放", "占道经营": "流动摊贩", "垃圾乱倒": "环境卫生",
    "违法建设": "违章搭建", "油烟扰民": "餐饮油烟", "犬只管理": "文明养犬", "道路破损": "市政道路", "路灯损坏": "路灯照明", "户外广告": "广告牌匾",
    "渣土撒漏": "渣土运输", "共享单车": "共享单车", "积水内涝": "道路积水", "绿化毁坏": "园林绿化", "非警务": "咨询", "环境污染": "环境污染",
}  # fmt: skip
CASE_WORDS: Final = {name: name for name in STREET} | {
    "占道经营": "无照经营游商",
    "违停": "机动车违停",
    "油烟扰民": "餐饮油烟污染",
}
"""The names of the platform's own kinds where they differ."""


def build_hotline(stories: Stories) -> pl.DataFrame:
    """12345_热线工单. Callers give a surname and are known by the number they call from."""
    rng = stories.begin("hotline")
    weights = dict.fromkeys(STREET, 6.0) | {
        "邻里": 7, "物业": 9, "消费": 8, "劳动争议": 6, "租赁": 5, "合同": 3, "损害赔偿": 2, "环境污染": 3, "婚姻家庭": 1,
        "噪音扰民": 14, "违停": 12, "非警务": 16,
    }  # fmt: skip
    batch = stories.draw(
        stories.count(HOTLINE), weights,
        (Earlier("alarms", 0.05, DISPUTE_TOPICS, (0.05, 6)), Earlier("alarms", 0.03, (topic("噪音扰民"), topic("违停")), (0.02, 2))),
        office=False, firms={"消费": 0.8, "劳动争议": 0.85, "物业": 0.5}, opposed=0.5,
    )  # fmt: skip
    n = len(batch)
    done, over = stories.ended(batch.second, 4)
    sent = batch.second + rng.integers(300, 7200, n)
    sent = np.minimum(sent, stories.now)
    kinds = np.where(np.isin(batch.topic, [topic("非警务")]), 0, 1 + draw(rng, (50, 22, 22, 6), n))
    place, cause = stories.place(batch.spot), stories.cause(batch.topic)
    hint = (batch.parent >= 0) & (rng.random(n) < 0.4)
    told = only_if(cat("来电人称此前已拨打110报警，接警单号", batch.said, "，"), hint).fill_null("")
    wish = stories.choice(
        (
            "希望尽快处理。",
            "要求相关部门核实并答复。",
            "请有关单位到现场查看。",
            "已多次反映，希望彻底解决。",
            "请予以回复。",
        ),
        n,
    )
    number = cat("RX", day_text(batch.second), digits(np.arange(1, n + 1), 6))
    stories.keep("hotline", number, batch)
    full = rng.random(n) < 0.22
    state = np.where(over, draw(rng, (0, 0, 70, 30), n), np.where(stories.now - batch.second < 86400, 0, 1))
    return pl.DataFrame(
        {
            "工单编号": number,
            "来电时间": moments(batch.second),
            "来电人": either(full, stories.name(batch.one), stories.polite(batch.one)),
            "来电号码": stories.phone(batch.one, 0.86),
            "来电人证件号": stories.identity(batch.one, 0.01),
            "诉求类型": pick(("咨询", "投诉", "求助", "举报", "建议"), kinds),
            "诉求分类": pick(words(HOTLINE_WORDS, "其他诉求"), batch.topic),
            "诉求内容": cat("来电人反映，", place, cause, "，", told, wish),
            "诉求地址": place,
            "所属镇街": stories.street(batch.spot),
            "被反映对象": only_if(stories.party(batch)[0], (batch.firm >= 0) | (rng.random(n) < 0.15)),
            "承办单位代码": cat("ZF", stories.street_code(batch.spot)),
            "承办单位": cat(stories.street(batch.spot), "办事处"),
            "派单时间": moments(sent),
            "办结时间": moments(done, over),
            "工单状态": pick(("待派单", "承办中", "已答复", "已归档"), state),
            "满意度": only_if(stories.choice(("满意", "基本满意", "不满意"), n, (70, 20, 10)), over),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": batch.one,
            "_two": either(batch.firm >= 0, truth_firm(batch.firm), truth_person(batch.two)),
        }
    )


def build_cases(stories: Stories) -> pl.DataFrame:
    """城管_案件: seen by patrols and cameras, passed on by the hotline or reported by the grid."""
    rng = stories.begin("cases")
    weights = dict(zip(STREET, (22, 14, 5, 6, 5, 7, 4, 8, 3, 12, 2, 2), strict=True)) | {"违停": 30.0}
    street = tuple(topic(name) for name in (*STREET, "违停"))
    batch = stories.draw(
        stories.count(CASES), weights, (Earlier("hotline", 0.24, street, (0.02, 3)),),
        opposed=0.0, firms={"占道经营": 0.5, "油烟扰民": 0.9, "户外广告": 0.8, "渣土撒漏": 0.5}, shares=(0.02, 0.34, 0.06, 0.48, 0.04, 0.06),
    )  # fmt: skip
    n = len(batch)
    done, over = stories.ended(batch.second, 3)
    sent = np.minimum(batch.second + rng.integers(600, 14400, n), stories.now)
    passed = batch.parent >= 0
    source = np.where(passed, 1, np.array([0, 2, 3])[draw(rng, (60, 25, 15), n)])
    says_number = passed & (rng.random(n) < 0.75)
    number = cat("CG", day_text(batch.second), digits(np.arange(1, n + 1), 6))
    stories.keep("cases", number, batch)
    who = either(batch.firm >= 0, stories.enterprises.name.gather(np.maximum(batch.firm, 0)), only_if(stories.name(batch.one), rng.random(n) < 0.3))  # fmt: skip
    known = (batch.firm < 0) & who.is_not_null().to_numpy()
    state = np.where(over, np.where(rng.random(n) < 0.02, 4, 3), draw(rng, (10, 30, 60), n))
    micro = stories.micro.gather(batch.spot)
    jitter = rng.normal(0, 0.0001, (2, n))
    code = stories.spots.code.gather(batch.spot)
    return pl.DataFrame(
        {
            "案件号": number,
            "上报时间": moments(batch.second),
            "来源渠道": pick(("巡查上报", "12345转办", "网格上报", "视频智能抓拍"), source),
            "转办单号": only_if(batch.said, says_number),
            "大类": pick(("街面秩序", "市容环境", "市政设施", "规划建设"), batch.topic % 4),
            "小类": pick(words(CASE_WORDS, "其他案件"), batch.topic),
            "案件描述": cat(
                stories.place(batch.spot), "附近", stories.cause(batch.topic), "，已现场拍照取证。"
            ),
            "发生地点": stories.spots.full.gather(batch.spot),
            "地点编码": code,
            "经度": pl.Series(np.round(stories.longitude[batch.spot] + jitter[0], 6)).cast(pl.String),
            "纬度": pl.Series(np.round(stories.latitude[batch.spot] + jitter[1], 6)).cast(pl.String),
            "所属网格": micro,
            "当事人": who,
            "当事人证照号": either(
                batch.firm >= 0,
                stories.enterprises.code.gather(np.maximum(batch.firm, 0)),
                only_if(stories.identity(batch.one, 0.4), known),
            ),
            "当事人手机": only_if(stories.phone(batch.one), known & (rng.random(n) < 0.7)),
            "处置中队编码": cat("CG", stories.street_code(batch.spot)),
            "处置中队": cat(stories.street(batch.spot), "综合行政执法中队"),
            "派遣时间": moments(sent),
            "结案时间": moments(done, over),
            "案件阶段": pick(("已立案", "已派遣", "处置中", "已结案", "作废"), state),
            "最后修改": moments(np.where(over, done, sent)),
            "_one": either(batch.firm >= 0, truth_firm(batch.firm), truth_person(batch.one)),
        }
    )


_SAFETY: Final = (
    ("有限空间作业", 8, "有限空间未设置警示标志"), ("危险化学品", 9, "危险化学品混存"), ("机械防护缺失", 22, "传动部位无防护罩"),
    ("特种设备", 12, "叉车未按期检验"), ("粉尘防爆", 6, "除尘系统积尘未清理"), ("安全培训缺失", 20, "新员工未经三级安全教育"),
    ("应急预案缺失", 13, "未制定应急预案或未演练"), ("用电安全", 18, "配电箱未上锁、线路裸露"),
)  # fmt: skip


def build_safety_inspections(stories: Stories) -> pl.DataFrame:
    """应急_安全生产检查: one row a hazard, or a row without hazard for an inspection that found none."""
    rng = stories.begin("safety-inspections")
    firms = stories.enterprises
    visits = stories.count(INSPECTIONS)
    rows = np.sort(draw(rng, (30, 40, 20, 10), visits))
    found = rng.permutation(rows)
    # Factories and building firms are seen far more often than offices.
    heavy = np.flatnonzero(np.isin(firms.industry, (0, 1, 6)))
    firm = np.where(rng.random(visits) < 0.75, heavy[rng.integers(0, max(1, len(heavy)), visits)] if len(heavy) else 0, rng.integers(0, len(firms.kind), visits))  # fmt: skip
    second = np.sort(times(rng, stories.options, visits, office=True))
    visit = np.repeat(np.arange(visits), np.maximum(found, 1))
    n = len(visit)
    hazard = (found > 0)[visit]
    place_in = np.arange(n) - np.searchsorted(visit, visit)
    kind = draw(rng, [w for _, w, _ in _SAFETY], n)
    when, who = second[visit], firm[visit]
    deadline = when + np.where(rng.random(n) < 0.6, 7, 30) * 86400
    fixed = when + (rng.lognormal(2.0, 0.8, n) * 86400).astype(np.int64)
    righted = hazard & (fixed <= stories.now) & (rng.random(n) < 0.97)
    paper = cat("（萧）应急检记〔", day_text(when).str.slice(0, 4), "〕", digits(visit + 1, 5), "号")
    code = only_if(cat("AQ", day_text(when), digits(np.arange(1, n + 1), 6)), hazard)
    key = cat("YJ", digits(np.arange(1, n + 1), 8))
    stories.alone("safety_inspections", code.fill_null(paper), key)
    spot = firms.spot[who]
    inspectors = [f"{s}{t}" for s in "沈 韩 瞿 裘 施 郁".split() for t in ("建军", "晓燕", "志明")]
    first = pick(inspectors, visit % len(inspectors))
    second_one = pick(inspectors, (visit * 7 + 5) % len(inspectors))
    return pl.DataFrame(
        {
            "记录号": key,
            "检查文书号": paper,
            "检查日期": moments(when).str.slice(0, 10),
            "检查类别": stories.choice(("日常检查", "专项检查", "双随机抽查"), visits, (60, 25, 15)).gather(
                visit
            ),
            "受检单位": firms.name.gather(who),
            "信用代码": firms.code.gather(who),
            "单位地址": stories.spots.full.gather(spot),
            "地址代码": stories.spots.code.gather(spot),
            "检查人员": cat(first, "、", second_one),
            "检查结论": pick(("未发现隐患", "责令限期整改"), hazard.astype(np.int64)),
            "隐患序号": only_if(pl.Series(place_in + 1).cast(pl.String), hazard),
            "隐患编码": code,
            "隐患分类": only_if(pick([name for name, _, _ in _SAFETY], kind), hazard),
            "隐患级别": only_if(
                pick(("一般隐患", "重大隐患"), (rng.random(n) < 0.04).astype(np.int64)), hazard
            ),
            "隐患内容": only_if(pick([text for _, _, text in _SAFETY], kind), hazard),
            "整改期限": only_if(moments(deadline).str.slice(0, 10), hazard),
            "整改完成日期": moments(fixed, righted).str.slice(0, 10),
            "整改情况": only_if(pick(("未整改", "已整改"), righted.astype(np.int64)), hazard),
            "检查机构代码": cat("YJ", stories.street_code(spot)),
            "检查机构": cat(stories.street(spot), "应急管理所"),
            "录入时间": moments(np.where(righted, fixed, when)),
            "_firm": truth_firm(who),
        }
    )


def build_lane_events(stories: Stories, devices: pl.DataFrame, vehicles: pl.DataFrame) -> pl.DataFrame:
    """消防_通道占用: what the fire lanes' cameras saw, from when to when."""
    rng = stories.begin("lane-events")
    lanes = devices.filter(pl.col("设备类型") == "消防车道监控")
    n = stories.count(LANE_EVENTS)
    second = np.sort(times(rng, stories.options, n))
    # A few lanes are blocked again and again.
    lane = (rng.random(n) ** 2.0 * len(lanes)).astype(np.int64)
    seconds = (rng.lognormal(6.0, 1.1, n) + 60).astype(np.int64)
    end = second + seconds
    over = end <= stories.now
    plates = vehicles["号牌号码"].gather(rng.integers(0, len(vehicles), n))
    key = cat("XT", day_text(second), digits(np.arange(1, n + 1), 7))
    stories.alone("lane_events", key)
    how = draw(rng, (55, 25, 15, 5), n)
    return pl.DataFrame(
        {
            "事件编号": key,
            "设备编号": lanes["设备编号"].gather(lane),
            "设备名称": lanes["名称"].gather(lane),
            "抓拍号牌": only_if(plates, rng.random(n) < 0.8),
            "占用开始": moments(second),
            "占用结束": moments(end, over),
            "占用秒数": only_if(pl.Series(seconds).cast(pl.String), over),
            "处置方式": only_if(pick(("自行驶离", "语音劝离", "电话通知挪车", "拖离"), how), over),
            "点位地址": lanes["安装地址"].gather(lane),
            "地址编码": lanes["地址编码"].gather(lane),
            "告警状态": pick(("占用中", "已解除"), over.astype(np.int64)),
        }
    )
