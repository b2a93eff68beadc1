"""The relationships of a district: each reads as a sentence and points the way it does."""

from __future__ import annotations

from typing import Annotated

from ontology.model import Field, Link, Lookup, Sensitivity

Str = str | None
Float = float | None


class Timed(Link):
    since: Annotated[Str, Field("起", "since")] = None
    until: Annotated[Str, Field("止", "until")] = None


class ToPlace(Timed):
    """A relationship to an address, with how sure the place is."""

    text: Annotated[Str, Field("来源地址文本", "address as written", Sensitivity.PERSONAL)] = None
    confidence: Annotated[Float, Field("可信度", "confidence")] = None


class In(Timed):
    type, zh, en, hierarchical = "IN", "位于", "is in", True
    ends = (("Address", "Address"),)


class InGrid(Timed):
    type, zh, en, hierarchical = "IN_GRID", "属网格", "is in the grid", True
    ends = (("Address", "Address"),)


class PartOf(Timed):
    type, zh, en, hierarchical = (
        "PART_OF",
        "属小区或道路",
        "is part of the estate or road",
        True,
    )
    ends = (("Address", "Address"),)


class Changes(Link):
    type, zh, en, history, as_coded = "CHANGES", "变更了", "changes", False, "before"
    ends = (("Succession", "Address"),)


class Into(Link):
    type, zh, en, history, as_coded = "INTO", "变更为", "makes it into", False, "after"
    ends = (("Succession", "Address"),)


class LivesAt(ToPlace):
    type, zh, en = "LIVES_AT", "居住于", "lives at"
    ends = (("Person", "Address"),)
    place: Annotated[
        Str,
        Field("地点键", "place key", Sensitivity.INTERNAL, Lookup.INDEX, derived=True),
    ] = None
    grid: Annotated[
        Str,
        Field("网格编码", "grid code", Sensitivity.INTERNAL, Lookup.INDEX, derived=True),
    ] = None
    who: Annotated[Str, Field("人员编号", "person id", Sensitivity.INTERNAL, derived=True)] = None


class At(ToPlace):
    type, zh, en = "AT", "在", "is at"
    ends = (
        ("House", "Address"),
        ("Enterprise", "Address"),
        ("Device", "Address"),
        ("Matter", "Address"),
        ("Project", "Address"),
    )


class RegisteredAt(ToPlace):
    type, zh, en = "REGISTERED_AT", "登记于", "is registered at"
    ends = (("Vehicle", "Address"),)


class OccurredAt(ToPlace):
    type, zh, en, history = "OCCURRED_AT", "发生于", "occurred at", False
    ends = (("Incident", "Address"),)


class Serves(ToPlace):
    type, zh, en = "SERVES", "服务于", "serves"
    ends = (("Volunteer", "Address"), ("Team", "Address"), ("ChatGroup", "Address"))


class Owns(Timed):
    type, zh, en, kept_by = "OWNS", "拥有", "owns", "end"
    ends = (
        ("Person", "House"), ("Enterprise", "House"), ("Person", "Vehicle"), ("Enterprise", "Vehicle"),
    )  # fmt: skip


class Rents(Timed):
    type, zh, en, kept_by = "RENTS", "承租", "rents", "end"
    ends = (("Person", "House"), ("Enterprise", "House"))


class RelatedTo(Timed):
    type, zh, en = "RELATED_TO", "亲属", "is related to"
    ends = (("Person", "Person"),)
    kin: Annotated[Str, Field("关系", "kin")] = None


class MemberOfHousehold(Timed):
    type, zh, en = "BELONGS_TO", "属户", "belongs to the household"
    ends = (("Person", "Household"),)
    kin: Annotated[Str, Field("与户主关系", "relation to its head")] = None


class HasPhone(Timed):
    type, zh, en = "HAS_PHONE", "使用电话", "has the phone"
    ends = (("Person", "Phone"), ("Enterprise", "Phone"), ("Volunteer", "Phone"))


class Called(Link):
    type, zh, en, history = "CALLED", "呼叫", "called", False
    ends = (("Phone", "Phone"),)
    at: Annotated[Str, Field("时间", "at")] = None
    seconds: Annotated[int | None, Field("时长(秒)", "duration, seconds")] = None


class WorksFor(Timed):
    type, zh, en = "WORKS_FOR", "受雇于", "works for"
    ends = (("Person", "Enterprise"),)


class Represents(Timed):
    type, zh, en, kept_by = "REPRESENTS", "任法定代表人", "represents", "end"
    ends = (("Person", "Enterprise"),)


class Guarantees(Timed):
    type, zh, en = "GUARANTEES", "担保", "guarantees"
    ends = (("Enterprise", "Enterprise"),)
    amount: Annotated[Float, Field("担保金额(万元)", "amount guaranteed, 10,000 yuan")] = None


class Builds(Timed):
    type, zh, en = "BUILDS", "承建", "builds"
    ends = (("Enterprise", "Project"),)


class Runs(Timed):
    type, zh, en = "RUNS", "运营", "runs"
    ends = (("Enterprise", "Project"),)


class Uses(Timed):
    type, zh, en = "USES", "使用", "uses"
    ends = (("Person", "Device"), ("Enterprise", "Device"))


class For(Link):
    type, zh, en, history = "FOR", "用于", "is for", False
    ends = (("Permit", "Project"), ("Matter", "Project"))


class MadeBy(Link):
    type, zh, en, history = "MADE_BY", "由…行驶", "is made by", False
    ends = (("Trip", "Vehicle"),)


class From(Link):
    type, zh, en, history = "FROM", "始于", "is from", False
    ends = (("Trip", "Project"),)


class To(Link):
    type, zh, en, history = "TO", "至", "is to", False
    ends = (("Trip", "Project"),)


class InvolvedIn(Link):
    type, zh, en, kept_by, history = (
        "INVOLVED_IN",
        "涉及",
        "is involved in",
        "end",
        False,
    )
    ends = tuple((label, "Incident") for label in ("Person", "Enterprise", "Vehicle", "Device", "Phone"))
    role: Annotated[Str, Field("角色", "role", terms="incident_role")] = None


class HandledIn(Link):
    type, zh, en, kept_by, history = (
        "HANDLED_IN",
        "并入办理",
        "is handled in",
        "end",
        False,
    )
    ends = (("Incident", "Matter"),)


class Follows(Link):
    type, zh, en, history = "FOLLOWS", "继", "follows", False
    ends = (("Incident", "Incident"),)


class HandledBy(Link):
    type, zh, en, history = "HANDLED_BY", "由…办理", "is handled by", False
    ends = (("Incident", "Organisation"), ("Matter", "Organisation"))


class Is(Link):
    type, zh, en, history = "IS", "即", "is", False
    ends = (("Volunteer", "Person"),)


class MemberOf(Timed):
    type, zh, en = "MEMBER_OF", "加入", "is a member of"
    ends = (("Volunteer", "Team"),)


class Holds(Timed):
    type, zh, en = "HOLDS", "持有", "holds"
    ends = (("Vehicle", "Permit"), ("Enterprise", "Permit"), ("Person", "Post"))


class About(Link):
    type, zh, en, history = "ABOUT", "关于", "is about", False
    ends = tuple(
        ("Finding", label) for label in ("Address", "Matter", "Enterprise", "Vehicle", "Device", "Project")
    )


_EVIDENCE = (
    "Incident", "Trip", "Permit", "Device", "Enterprise", "Vehicle", "Address", "Project", "House", "Volunteer", "Person", "Matter",
)  # fmt: skip


class ShownBy(Link):
    type, zh, en, history = "SHOWN_BY", "证据", "is shown by", False
    ends = tuple(("Finding", label) for label in _EVIDENCE)


class Beside(Link):
    """What is shown with a finding though it is no evidence of it, such as whom to tell: who may not see it sees the finding all the same."""

    type, zh, en, history = "BESIDE", "并列", "is shown with", False
    ends = tuple(("Finding", label) for label in (*_EVIDENCE, "Team", "ChatGroup"))


LINKS: tuple[type[Link], ...] = (
    In, InGrid, PartOf, Changes, Into, LivesAt, At, RegisteredAt, OccurredAt, Serves, Owns, Rents, RelatedTo, MemberOfHousehold,
    HasPhone, Called, WorksFor, Represents, Guarantees, InvolvedIn, HandledIn, Follows, HandledBy, Is, MemberOf,
    Holds, Builds, Runs, Uses, For, MadeBy, From, To, About, ShownBy, Beside,
)  # fmt: skip
