"""Scalars and shared small types."""

from __future__ import annotations

import re
from datetime import date
from enum import Enum
from typing import Annotated, Any, Final, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from ontology.errors import UsageError
from ontology.text import half_width


def _date(value: Any) -> str:
    text = str(value)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise UsageError(
        "BAD_DATE", f"不是日期:{text[:40]}", f"not a date: {text[:40]}", "Write it as 2025-12-15."
    )


def _code(value: Any) -> str:
    text = half_width(str(value)).strip()
    if not text or len(text) > 64:
        raise UsageError("BAD_CODE", "地址编码有误", "not an address code", "Such as 330109002001.")
    return text


def _same(value: Any) -> Any:
    return value


Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
AddressCode = NewType("AddressCode", str)
SCALARS: dict[object, Any] = {
    Date: strawberry.scalar(
        name="Date", description="日历日,东八区 · a day in Asia/Shanghai", serialize=_same, parse_value=_date
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="带区时刻 · a moment with its offset, 2025-12-15T08:30:00+08:00",
        serialize=_same,
        parse_value=str,
    ),
    AddressCode: strawberry.scalar(
        name="AddressCode",
        description="地址身份编码 · an address code of any level",
        serialize=_same,
        parse_value=_code,
    ),
}


def read(source: Any, name: str) -> Any:
    """How a field without a resolver is read: answers are plain maps."""
    return source.get(name) if isinstance(source, dict) else getattr(source, name, None)


CONFIG = StrawberryConfig(default_resolver=read, scalar_map=SCALARS)


@strawberry.enum(description="地址层级 · the level of a place")
class Level(Enum):
    DISTRICT = "DISTRICT"
    STREET = "STREET"
    COMMUNITY = "COMMUNITY"
    GRID = "GRID"
    MICRO_GRID = "MICRO_GRID"
    GROUP = "GROUP"
    ZONE = "ZONE"
    ROAD = "ROAD"
    ESTATE = "ESTATE"
    PARK = "PARK"
    BUILDING = "BUILDING"
    UNIT = "UNIT"
    DWELLING = "DWELLING"
    SITE = "SITE"


@strawberry.enum(description="类别 · what a thing is")
class Kind(Enum):
    ADDRESS = "Address"
    PERSON = "Person"
    HOUSEHOLD = "Household"
    HOUSE = "House"
    ENTERPRISE = "Enterprise"
    VEHICLE = "Vehicle"
    PHONE = "Phone"
    INCIDENT = "Incident"
    MATTER = "Matter"
    VOLUNTEER = "Volunteer"
    TEAM = "Team"
    ORGANISATION = "Organisation"
    DEVICE = "Device"
    PERMIT = "Permit"
    PROJECT = "Project"
    TRIP = "Trip"
    FINDING = "Finding"


@strawberry.enum(description="范围 · this place alone, or all below it")
class Reach(Enum):
    HERE = "HERE"
    BELOW = "BELOW"


@strawberry.enum(description="计数 · exact, or at least so many")
class Exactness(Enum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


@strawberry.enum(description="截断原因 · why something was cut")
class CutBy(Enum):
    DEPTH = "DEPTH"
    ROWS = "ROWS"
    HUB = "HUB"


@strawberry.enum
class MaskState(Enum):
    WITHHELD = "WITHHELD"


@strawberry.enum
class IncidentOrder(Enum):
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


@strawberry.enum(description="反复纠纷的口径 · what makes disputes the same")
class RepeatBy(Enum):
    PLACE = "PLACE"
    PARTIES = "PARTIES"
    EITHER = "EITHER"


@strawberry.type(description="字典项 · a term of a list that the district keeps")
class Term:
    code: str
    zh: str
    en: str
    parent: str | None


@strawberry.type(description="脱敏标记 · a field that is withheld from you")
class Mask:
    field: str
    state: MaskState


@strawberry.type(description="出处 · where a value comes from")
class Fact:
    field: str
    value: str | None
    feed: str
    batch: strawberry.ID | None
    file: str | None
    row: int | None
    received: list[Cell]
    since: str | None = strawberry.field(
        description="所述之日;关系则为起 · the day it speaks of; of a relationship its beginning"
    )
    until: str | None = strawberry.field(description="关系之止 · the end of a relationship")
    recorded_at: DateTime | None
    rule: str
    chosen: bool
    because: str
    taken: list[Taken] = strawberry.field(
        description="据何归入本实体;自报编号者为空 · by which decisions its record is of this one; none where it names it by key"
    )


@strawberry.type(description="归入的依据 · a decision that two are one")
class Taken:
    link: strawberry.ID = strawberry.field(
        description="关联的编号,供 judgeLink · the link's id, for judgeLink"
    )
    score: float = strawberry.field(description="0–1,越大越可能 · how likely")
    agrees: list[Term]
    version: str = strawberry.field(description="判定方法的版本 · of the method")
    judge: str | None = strawberry.field(
        description="判定人;机器判定则为空 · who judged it; null where the machine decided"
    )
    reason: str | None
    at: DateTime | None


@strawberry.type(description="疑为同一 · another that may be the same")
class Match:
    link: strawberry.ID = strawberry.field(
        description="关联的编号,供 judgeLink · the link's id, for judgeLink"
    )
    id: strawberry.ID = strawberry.field(description="另一方的编号 · the other's id")
    score: float
    agrees: list[Term]


@strawberry.type(description="原样行的单元格 · a cell as received")
class Cell:
    column: str
    value: str | None


@strawberry.type
class Count:
    value: int
    exactness: Exactness


@strawberry.type(description="截断说明 · what was cut")
class Cut:
    by: CutBy
    limit: int
    at: strawberry.ID | None


@strawberry.type(description="经纬度(CGCS2000) · degrees, CGCS2000")
class Point:
    longitude: float
    latitude: float


@strawberry.type(description="撤并拆改 · a change of a place: what it was before and after")
class Succession:
    kind: Term
    on: Date | None
    predecessors: list[AddressCode] = strawberry.field(description="变更前编码 · codes before")
    successors: list[AddressCode] = strawberry.field(description="变更后编码 · codes after")


@strawberry.type(
    description="名称:标准名、俗称、曾用名 · one of a place's names, with its time and who says so"
)
class PlaceName:
    name: str
    kind: Term
    since: Date | None
    until: Date | None
    source: str | None = strawberry.field(
        description="来源的数据源;空为地址库 · the feed that says so; null for the address base"
    )


@strawberry.type(description="步骤 · one step of an incident or matter")
class Step:
    at: DateTime
    to: Term
    by: str | None


@strawberry.type(description="报告:一个来源对同一事件的一次报告 · one source's report of an incident")
class Report:
    number: str
    kind: Term | None
    category: Term | None
    at: DateTime | None


@strawberry.input(description="[from, to)")
class Period:
    from_: Annotated[Date, strawberry.argument(name="from")] = strawberry.field(name="from")
    to: Date


ALIKE: Final = {
    "SAME_CATEGORY": ("同一细类", "of one category"), "SAME_KIND": ("同一类别", "of one kind"), "SAME_PLACE": ("同一处", "at the very place"),
    "SAME_BUILDING": ("同一幢", "in one building"), "SAME_COMMUNITY": ("同一村社", "in one community"), "SAME_STREET": ("同一镇街", "in one street"),
    "SAME_PARTY": ("同一当事人", "of one party"), "SAME_WORDS": ("所述相近", "told in like words"),
}  # fmt: skip
"""What an incident may have in common with another, in Chinese and in English."""


def _alike(name: str) -> Any:
    return strawberry.enum_value(name, description=" · ".join(ALIKE[name]))


@strawberry.enum(description="相似之处 · what an incident has in common with another")
class Alike(Enum):
    SAME_CATEGORY = _alike("SAME_CATEGORY")
    SAME_KIND = _alike("SAME_KIND")
    SAME_PLACE = _alike("SAME_PLACE")
    SAME_BUILDING = _alike("SAME_BUILDING")
    SAME_COMMUNITY = _alike("SAME_COMMUNITY")
    SAME_STREET = _alike("SAME_STREET")
    SAME_PARTY = _alike("SAME_PARTY")
    SAME_WORDS = _alike("SAME_WORDS")


@strawberry.enum(description="何事 · what an event of a timeline is")
class TimelineWhat(Enum):
    HAPPENS = "HAPPENS"
    BEGINS = "BEGINS"
    ENDS = "ENDS"


@strawberry.enum(description="坐标系 · the system that coordinates are given in")
class Crs(Enum):
    CGCS2000 = "CGCS2000"
    WGS84 = "WGS84"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


@strawberry.input(description="多边形的一个顶点,度 · a corner of a polygon, degrees")
class Corner:
    longitude: float
    latitude: float


@strawberry.input
class ResidentFilter:
    residence: list[str] | None = None
    name: str | None = None
    age_from: int | None = None
    age_to: int | None = None
