"""A tiny district that a person has drawn: YAML in, the same feed files out, with the answers it expects.

The format is described in docs/seeding.md; `seed/scenarios/ten_buildings.yaml` is the example. People,
firms and places
have short names of the author's choice, by which the rest of the file refers to them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ontology.identifiers.citizen_id import make_citizen_id
from ontology.identifiers.uscc import make_uscc
from ontology.reading import read_yaml
from seed.feed_texts import FeedTexts
from seed.feeds import BY_KEY, FEEDS
from seed.options import Manifest, SeedOptions, bad
from seed.places import DISTRICT, DISTRICT_NAME, read_communities
from seed.truth import relapses, repeats
from seed.world import Writer, disputes_of, hazards_of, term_codes

SCENARIOS: Final = Path(__file__).with_name("scenarios")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Building(_Part):
    """A building, house or site. `rooms` are `1201` in a building, `2-1201` in its second unit."""

    id: str
    community: str
    number: int = Field(ge=1, le=9999)
    name: str
    alias: str | None = None
    micro_grid: str = "G01M01"
    rooms: tuple[str, ...] = ()


class Resident(_Part):
    """A person. `home` is a place: a building's id, or `id/1201`, `id/2-1201`. Without it they live
    elsewhere.
    """

    id: str
    name: str
    sex: str = Field(pattern="^[男女]$")
    birth: date
    home: str | None = None
    kin: str = "户主"
    household: str | None = None
    residence: str = "户籍"
    phone: str | None = None
    since: date = date(2020, 1, 1)
    left: date | None = None
    works_for: str | None = None
    region: str = "330109"


class Firm(_Part):
    """An enterprise at a place."""

    id: str
    name: str
    place: str
    kind: str = "有限责任公司"
    industry: str = "制造业"
    state: str = "存续"
    representative: str | None = None
    staff: int = 5
    founded: date = date(2018, 5, 1)


class House(_Part):
    """A property: its owner, and a tenant when it is let."""

    place: str
    owner: str
    use: str = "自住"
    tenant: str | None = None
    since: date = date(2019, 6, 1)


class Car(_Part):
    """A vehicle of a person or firm."""

    plate: str
    owner: str
    kind: str = "小型轿车"
    plate_kind: str = "小型汽车"
    energy: str = "汽油"


class Member(_Part):
    """A volunteer; `serves` a place; a building captain when `captain`."""

    person: str
    team: str
    serves: str
    captain: bool = False


class Thing(_Part):
    """A device at a place."""

    name: str
    kind: str
    place: str


class Alarm(_Part):
    """An alarm; `one`, `two` are people (two may be missing)."""

    id: str
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$")
    kind: str = "纠纷"
    category: str = ""
    place: str
    one: str | None = None
    two: str | None = None
    text: str = ""


class Mediation(_Part):
    """A mediation; `two` may be a firm; `alarm` is the id of the alarm it came from."""

    id: str
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$")
    category: str
    place: str
    one: str
    two: str | None = None
    alarm: str | None = None
    text: str = ""


class Fault(_Part):
    """A hazard found at a place."""

    id: str
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$")
    category: str
    place: str
    firm: str | None = None
    rectified: str | None = None
    severity: str = "一般"


class Expected(_Part):
    """What the author says the answers are, by the ids of this file."""

    repeats_by_place: tuple[tuple[str, ...], ...] = ()
    repeats_by_parties: tuple[tuple[str, ...], ...] = ()
    relapses: tuple[tuple[str, str], ...] = ()
    residents: dict[str, int] = Field(default_factory=dict)


class Scenario(_Part):
    """The whole file."""

    title: str
    until: date
    buildings: tuple[Building, ...]
    people: tuple[Resident, ...] = ()
    firms: tuple[Firm, ...] = ()
    houses: tuple[House, ...] = ()
    vehicles: tuple[Car, ...] = ()
    volunteers: tuple[Member, ...] = ()
    devices: tuple[Thing, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    mediations: tuple[Mediation, ...] = ()
    hazards: tuple[Fault, ...] = ()
    expect: Expected = Expected()


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario file.

    Raises:
        UsageError: `BAD_ARGUMENT` with the place in the file that is wrong.
    """
    try:
        return Scenario.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise bad(
            f"无法读取场景文件 {path.name}。", f"The scenario {path.name} cannot be read: {error}"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise bad(
            f"场景文件 {path.name} 的 {where} 有误。", f"{path.name}: {where}: {first['msg']}."
        ) from error


class _Drawn:
    """A scenario with its references resolved to codes, texts and numbers."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.communities = {community.code: community for community in read_communities()}
        self.streets = {c.street: c.street_name for c in self.communities.values()}
        self.code: dict[str, str] = {}
        self.full: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []
        self._places()
        self.people = {person.id: person for person in scenario.people}
        self.firms = {firm.id: firm for firm in scenario.firms}
        self.identity = {
            # The sequence's last digit says the sex: odd for men.
            person.id: make_citizen_id(person.region, person.birth, 2 * number + (person.sex == "男"))
            for number, person in enumerate(scenario.people, 101)
        }
        self.uscc = {
            firm.id: make_uscc("9", "2" if firm.kind == "个体工商户" else "1", DISTRICT, 70_000_000 + number)
            for number, firm in enumerate(scenario.firms)
        }

    def _row(self, code: str, parent: str, level: str, name: str, full: str, **more: str | None) -> None:
        self.code[code], self.full[code] = code, full
        self.rows.append(
            {"地址编码": code, "上级编码": parent or None, "层级": level, "名称": name, "全称": full, **more}
        )

    def _places(self) -> None:
        self._row(DISTRICT, "", "区", DISTRICT_NAME, DISTRICT_NAME)
        made: set[str] = set()
        for code, name in self.streets.items():
            self._row(code, DISTRICT, "镇街", name, DISTRICT_NAME + name)
        for community in self.communities.values():
            self._row(community.code, community.street, "村社", community.name, community.full)
        for building in self.scenario.buildings:
            community = self._community(building.community)
            micro = community.code + building.micro_grid
            for code, level, name in ((micro[:15], "网格", f"第{int(micro[13:15])}网格"),
                                      (micro, "微网格", f"第{int(micro[16:18])}微网格")):  # fmt: skip
                if code not in made:
                    made.add(code)
                    parent = community.code if level == "网格" else micro[:15]
                    self._row(code, parent, level, name, self.full[parent] + name)
            code, full = f"{community.code}{building.number:04d}", community.full + building.name
            level = "点位" if building.number > 9000 else "幢"
            # The local part of 金帝花园3幢 is 3幢.
            self._row(code, community.code, level, building.name, full, 别名=building.alias, 网格编码=micro)
            self.code[building.id], self.full[building.id] = code, full
            for room in building.rooms:
                unit, _, number = room.rpartition("-")
                parent, above = code, full
                if unit:
                    parent, above = f"{code}{int(unit):02d}", f"{full}{int(unit)}单元"
                    if parent not in made:
                        made.add(parent)
                        self._row(parent, code, "单元", f"{int(unit)}单元", above)
                        self.code[f"{building.id}/{unit}"], self.full[f"{building.id}/{unit}"] = parent, above
                inner = f"{parent}{'' if unit else '00'}{int(number):04d}"
                self._row(inner, parent, "户室", f"{int(number)}室", f"{above}{int(number)}室")
                self.code[f"{building.id}/{room}"], self.full[f"{building.id}/{room}"] = (
                    inner,
                    f"{above}{int(number)}室",
                )

    def _community(self, code: str) -> Any:
        if code not in self.communities:
            raise bad(f"没有村社 {code}。", f"There is no community {code}.")
        return self.communities[code]

    def at(self, place: str) -> dict[str, str]:
        """Code and full name of a place, by the file's id or a community's code."""
        if place not in self.code:
            raise bad(
                f"场景中没有地点 {place}。",
                f"The scenario has no place {place!r}.",
                "A building's id, or id/room.",
            )
        return {"code": self.code[place], "full": self.full[place]}

    def person(self, name: str) -> Resident:
        """A person by id."""
        if name not in self.people:
            raise bad(f"场景中没有人员 {name}。", f"The scenario has no person {name!r}.")
        return self.people[name]

    def party(self, name: str | None) -> tuple[str | None, str | None, str | None]:
        """Name, number and phone of a person or firm."""
        if name is None:
            return None, None, None
        if name in self.firms:
            return self.firms[name].name, self.uscc[name], None
        person = self.person(name)
        return person.name, self.identity[name], person.phone


def _seconds(time: str) -> str:
    return time if len(time) == 19 else time + ":00"


def _frame(key: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in BY_KEY[key].columns}
    hidden = sorted({name for row in rows for name in row if name.startswith("_")})
    frame = pl.DataFrame(
        {k: [None if v is None else str(v) for v in vs] for k, vs in columns.items()},
        schema=dict.fromkeys(columns, pl.String),
    )
    return frame.with_columns(
        pl.Series(name, [row[name] for row in rows], dtype=pl.Boolean if name == "_planted" else pl.String)
        for name in hidden
    )


def numbers(scenario: Scenario) -> dict[str, str]:
    """The source numbers that the file's incident ids become."""
    result = {}
    for prefix, items in (("J", scenario.alarms), ("TJ", scenario.mediations), ("YH", scenario.hazards)):
        for index, item in enumerate(items, 1):
            assert isinstance(item, Alarm | Mediation | Fault)
            result[item.id] = f"{prefix}{item.time[:10].replace('-', '')}{index:07d}"
    return result


def frames_of(scenario: Scenario) -> dict[str, pl.DataFrame]:
    """The scenario as clean feed frames, by the feed's key."""
    drawn = _Drawn(scenario)
    stamp = f"{scenario.until} 09:00:00"
    source = numbers(scenario)
    order = {person.id: index for index, person in enumerate(scenario.people, 1)}
    truth_id = {person.id: f"P{order[person.id]:08d}" for person in scenario.people}
    truth_id |= {firm.id: f"E{index:07d}" for index, firm in enumerate(scenario.firms, 1)}
    houses = {house.place: index for index, house in enumerate(scenario.houses, 1)}
    households: dict[str, str] = {}
    residents: list[dict[str, Any]] = []
    for person in scenario.people:
        if person.home is None:
            continue
        at = drawn.at(person.home)
        group = person.household or person.home
        if person.kin == "户主":
            households.setdefault(group, person.id)
        head = households.get(group)
        employer = drawn.uscc.get(person.works_for) if person.works_for else None
        residents.append(
            {
                "人口编号": f"RK330109{order[person.id]:08d}", "姓名": person.name, "公民身份号码": drawn.identity[person.id],
                "性别": person.sex, "出生日期": person.birth, "户籍类型": person.residence, "手机号": person.phone,
                "现住地址": at["full"], "地址编码": at["code"], "入住日期": person.since, "离开日期": person.left,
                "户号": f"H{list(dict.fromkeys(p.household or p.home for p in scenario.people)).index(group) + 1:08d}",
                "与户主关系": person.kin, "户主证件号": drawn.identity[head] if head else None, "工作单位代码": employer,
                "更新时间": stamp,
            }
        )  # fmt: skip
    tenancies = []
    for index, house in enumerate([h for h in scenario.houses if h.tenant], 1):
        at, owner, tenant = drawn.at(house.place), drawn.party(house.owner), drawn.party(house.tenant)
        tenancies.append(
            {
                "登记编号": f"ZL330109{index:08d}", "房屋编号": f"FW330109{houses[house.place]:08d}", "房屋地址": at["full"],
                "地址编码": at["code"], "房东姓名": owner[0], "房东证件号": owner[1], "房东电话": owner[2], "承租人姓名": tenant[0],
                "承租人证件号": tenant[1], "承租人电话": tenant[2], "起租日期": house.since, "更新时间": stamp,
            }
        )  # fmt: skip
    owned = [
        {
            "房屋编号": f"FW330109{index:08d}", "不动产单元号": f"{drawn.at(h.place)['code'][:12]}GB{index:05d}F{index:08d}",
            "房屋地址": drawn.at(h.place)["full"], "地址编码": drawn.at(h.place)["code"], "用途": "出租" if h.tenant else h.use,
            "是否出租": "是" if h.tenant else "否", "建筑面积": "96.5", "产权人姓名": drawn.party(h.owner)[0],
            "产权人证件号": drawn.party(h.owner)[1], "产权取得日期": h.since, "更新时间": stamp,
        }
        for index, h in enumerate(scenario.houses, 1)
    ]  # fmt: skip
    firms = [
        {
            "统一社会信用代码": drawn.uscc[f.id], "名称": f.name, "主体类型": f.kind, "行业": f.industry, "登记状态": f.state,
            "法定代表人": drawn.party(f.representative)[0], "法定代表人证件号": drawn.party(f.representative)[1],
            "联系电话": drawn.party(f.representative)[2], "从业人数": f.staff, "注册资本": "50万元", "成立日期": f.founded,
            "经营地址": drawn.at(f.place)["full"], "地址编码": drawn.at(f.place)["code"], "更新时间": stamp,
        }
        for f in scenario.firms
    ]  # fmt: skip
    cars = []
    for index, car in enumerate(scenario.vehicles, 1):
        owner = drawn.party(car.owner)
        home = drawn.firms[car.owner].place if car.owner in drawn.firms else drawn.person(car.owner).home
        seat: dict[str, str] = drawn.at(home) if home else {}
        cars.append(
            {
                "号牌号码": car.plate, "号牌种类": car.plate_kind, "车辆类型": car.kind, "品牌": "吉利", "能源": car.energy,
                "所有人类型": "单位" if car.owner in drawn.firms else "个人", "所有人姓名": owner[0], "所有人证件号": owner[1],
                "登记地址": seat.get("full"), "地址编码": seat.get("code"), "状态": "正常", "登记日期": f"2022-03-{index:02d}", "更新时间": stamp,
            }
        )  # fmt: skip
    teams = list(dict.fromkeys(member.team for member in scenario.volunteers))
    members = [
        {
            "红领编号": f"HL330109{index:07d}", "姓名": drawn.party(m.person)[0], "手机号": drawn.party(m.person)[2],
            "证件号": drawn.party(m.person)[1], "队伍编号": f"TD330109{teams.index(m.team) + 1:05d}", "队伍名称": m.team,
            "队伍层级": "村社级", "队伍服务地址编码": drawn.at(m.serves)["code"][:12], "角色": "楼长" if m.captain else "队员",
            "是否楼长": "是" if m.captain else "否", "服务地址": drawn.at(m.serves)["full"], "地址编码": drawn.at(m.serves)["code"],
            "入队日期": "2023-05-04", "更新时间": stamp,
        }
        for index, m in enumerate(scenario.volunteers, 1)
    ]  # fmt: skip
    devices = [
        {
            "设备编号": f"SB330109{index:07d}", "设备类型": d.kind, "名称": d.name, "安装地址": drawn.at(d.place)["full"],
            "地址编码": drawn.at(d.place)["code"], "状态": "在线", "安装日期": "2022-08-01", "更新时间": stamp,
        }
        for index, d in enumerate(scenario.devices, 1)
    ]  # fmt: skip
    alarms = []
    for a in scenario.alarms:
        at, one, two = drawn.at(a.place), drawn.party(a.one), drawn.party(a.two)
        time = _seconds(a.time)
        alarms.append(
            {
                "接警单号": source[a.id], "报警时间": time, "警情类别": a.kind, "警情细类": a.category or None, "报警人姓名": one[0],
                "报警人电话": one[2], "报警人证件号": one[1], "当事人姓名": one[0], "当事人证件号": one[1], "对方姓名": two[0],
                "对方证件号": two[1], "事发地址": at["full"], "地址编码": at["code"], "简要警情": a.text or None, "处置状态": "待签收",
                "处警单位代码": f"PS{at['code'][:9]}", "处警单位": f"{drawn.streets.get(at['code'][:9], '')}派出所", "更新时间": time,
                "_one": truth_id.get(a.one or ""), "_two": truth_id.get(a.two or ""), "_planted": True,
            }
        )  # fmt: skip
    mediations = []
    for m in scenario.mediations:
        at, one, two = drawn.at(m.place), drawn.party(m.one), drawn.party(m.two)
        if m.alarm is not None and m.alarm not in source:
            raise bad(f"场景中没有警情 {m.alarm}。", f"The scenario has no alarm {m.alarm!r}.")
        community = drawn.communities[at["code"][:12]]
        mediations.append(
            {
                "调解编号": source[m.id], "受理时间": _seconds(m.time), "纠纷类型": m.category, "申请人姓名": one[0],
                "申请人证件号": one[1], "申请人电话": one[2], "被申请人姓名": two[0], "被申请人证件号": two[1], "被申请人电话": two[2],
                "纠纷地址": at["full"], "地址编码": at["code"], "简要情况": m.text or None,
                "关联接警单号": source[m.alarm] if m.alarm else None, "调解组织代码": f"MC{community.code}",
                "调解组织": f"{community.full[3:]}人民调解委员会", "调解状态": "调解中", "更新时间": _seconds(m.time),
                "_one": truth_id.get(m.one), "_two": truth_id.get(m.two or ""), "_planted": True,
            }
        )  # fmt: skip
    hazards = []
    for index, h in enumerate(scenario.hazards, 1):
        at = drawn.at(h.place)
        firm = drawn.party(h.firm) if h.firm else (None, None, None)
        fixed = _seconds(h.rectified) if h.rectified else None
        hazards.append(
            {
                "记录编号": f"JL{index:07d}", "检查编号": f"JC{index:07d}", "检查时间": _seconds(h.time), "检查结果": "不合格",
                "单位名称": firm[0], "统一社会信用代码": firm[1], "检查地址": at["full"], "地址编码": at["code"],
                "隐患编号": source[h.id], "隐患类别": h.category, "隐患等级": h.severity, "隐患描述": f"检查发现{h.category}。",
                "发现时间": _seconds(h.time), "整改完成时间": fixed, "隐患状态": "已销号" if fixed else "整改中",
                "检查单位代码": f"FS{at['code'][:9]}", "检查单位": f"{drawn.streets.get(at['code'][:9], '')}消防站",
                "更新时间": fixed or _seconds(h.time), "_planted": True,
            }
        )  # fmt: skip
    for row in drawn.rows:
        row |= {"启用日期": "2021-04-09", "更新时间": stamp}
    return {
        "addresses": _frame("addresses", drawn.rows),
        "residents": _frame("residents", residents),
        "tenancies": _frame("tenancies", tenancies),
        "houses": _frame("houses", owned),
        "enterprises": _frame("enterprises", firms),
        "vehicles": _frame("vehicles", cars),
        "alarms": _hidden(_frame("alarms", alarms)),
        "mediations": _hidden(_frame("mediations", mediations)),
        "hazards": _hidden(_frame("hazards", hazards)),
        "volunteers": _frame("volunteers", members),
        "devices": _frame("devices", devices),
    }


def _hidden(frame: pl.DataFrame) -> pl.DataFrame:
    missing = {"_one": pl.String, "_two": pl.String, "_planted": pl.Boolean}
    return frame.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in missing.items() if name not in frame.columns
    )


def expected_answers(scenario: Scenario) -> dict[str, Any]:
    """What the author expects, in source numbers and codes (`truth/expect.json`)."""
    source, drawn = numbers(scenario), _Drawn(scenario)

    def incident(name: str) -> str:
        if name not in source:
            raise bad(f"expect 中的 {name} 不是事件。", f"expect: {name!r} is no incident of the scenario.")
        return source[name]

    def sets(groups: tuple[tuple[str, ...], ...]) -> list[list[str]]:
        return sorted(sorted(incident(name) for name in group) for group in groups)

    expect = scenario.expect
    return {
        "repeats_by_place": sets(expect.repeats_by_place),
        "repeats_by_parties": sets(expect.repeats_by_parties),
        "relapses": sorted([incident(a), incident(b)] for a, b in expect.relapses),
        "residents": {drawn.at(place)["code"]: count for place, count in expect.residents.items()},
    }


def seed_scenario(
    directory: Path, options: SeedOptions, progress: Callable[[str, int, int | None], None] | None = None
) -> Manifest:
    """Write the drawn district of `options.scenario`. Its own `until` is the day; noise works as in a
    random one.

    Raises:
        UsageError: for a wrong file, or one whose `expect` disagrees with the rules.
    """
    if options.scenario is None:
        raise bad("没有给出场景文件。", "No scenario file is given.")
    path = options.scenario
    scenario = load_scenario(path)
    options = SeedOptions(
        scale=options.scale, seed=options.seed, until=scenario.until, noise=options.noise, plant=options.plant,
        areas=options.areas, only=options.only, scenario=options.scenario,
    )  # fmt: skip
    frames = frames_of(scenario)
    expect = expected_answers(scenario)
    disputes = disputes_of(frames["alarms"], frames["mediations"])
    hazards = hazards_of(frames["hazards"], term_codes())
    _agree(path.name, expect, repeats(disputes), relapses(hazards))
    low = frames["addresses"].filter(pl.col("层级").is_in(["幢", "点位"]))
    judge = FeedTexts(low.select(code="地址编码", full="全称"), options.noise)
    writer = Writer(directory, options, progress, judge)
    writer.prepare()
    for feed in FEEDS:
        if feed.key in frames:
            writer.feed(feed.key, frames[feed.key])
        else:  # A drawn district has the feeds that a drawing can say something of.
            writer.step()
    for feed_key, frame in frames.items():
        by_identity = {number: row for row, number in enumerate(drawn_identities(scenario))}
        for column in BY_KEY[feed_key].identities:
            rows = np.array(
                [by_identity.get(value or "", -1) for value in frame[column].to_list()], dtype=np.int64
            )
            writer.mention(feed_key, frame, column, pl.Series(rows))
    people = pl.DataFrame(
        {
            "person": [f"P{index:08d}" for index, _ in enumerate(scenario.people, 1)],
            "name": [person.name for person in scenario.people],
            "identity_number": drawn_identities(scenario),
            "phone": [person.phone for person in scenario.people],
            "resident_key": [
                f"RK330109{index:08d}" if p.home else None for index, p in enumerate(scenario.people, 1)
            ],
        },
        schema=dict.fromkeys(("person", "name", "identity_number", "phone", "resident_key"), pl.String),
    )
    writer.truth(people, repeats(disputes), relapses(hazards), expect=expect)
    return writer.manifest()


def drawn_identities(scenario: Scenario) -> list[str]:
    """The people's identity numbers, in the file's order."""
    drawn = _Drawn(scenario)
    return [drawn.identity[person.id] for person in scenario.people]


def _agree(
    name: str, expect: dict[str, Any], found: list[dict[str, Any]], again: list[dict[str, Any]]
) -> None:
    computed = {
        "repeats_by_place": sorted(item["incidents"] for item in found if item["by"] == "PLACE"),
        "repeats_by_parties": sorted(item["incidents"] for item in found if item["by"] == "PARTIES"),
        "relapses": sorted([item["earlier"], item["later"]] for item in again),
    }
    for key, value in computed.items():
        if value != expect[key]:
            raise bad(
                f"场景 {name} 的 expect.{key} 与规则不符。",
                f"{name}: expect.{key} is {expect[key]}, but the rules give {value}.",
                "Mend the drawing or the answer.",
            )
