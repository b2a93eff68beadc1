"""The entities as GraphQL types: generated leaves, and relations written by hand.

A relation's resolver only picks up what the compiler has put under its slot; nothing here asks the database,
but for `why`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from addresses.plate import plate_text
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema import leaves
from schema.connections import connection, count, exact, make_connection
from schema.lineage import changes, last_change, names
from schema.scalars import (
    AddressCode,
    Count,
    Fact,
    IncidentOrder,
    Level,
    Mask,
    MaskState,
    Match,
    Period,
    PlaceName,
    Point,
    Reach,
    Report,
    ResidentFilter,
    Step,
    Succession,
    Term,
)
from schema.terms import Info, as_term, slot

MODULE = globals()


def picked(source: Any, info: Info) -> Any:
    return source.get(slot(info))


def first_picked(source: Any, info: Info) -> Any:
    found = source.get(slot(info))
    return found[0] if found else None


def paged(source: Any, info: Info, after: str | None) -> Any:
    return connection(source.get(slot(info)), after is not None)


def is_a(label: str) -> Any:
    """Tells strawberry which type a map of a node is."""

    def is_type_of(cls: type, source: Any, info: Any) -> bool:
        return not isinstance(source, dict) or source.get("_t", label) == label

    return classmethod(is_type_of)


@strawberry.interface(description="Relay 接口 · anything with an id")
class Node:
    id: strawberry.ID


@strawberry.interface(description="一切实体 · every entity")
class Entity(Node):
    @strawberry.field(description="可直接显示 · what to call it, as far as you may know")
    def title(self: Any, info: Info) -> str:
        entity = ONTOLOGY.entities[self["_t"]]
        return entity.called(self["id"], self.get(entity.title_field))

    @strawberry.field(description="脱敏标记 · fields that are withheld from you")
    def masks(self: Any, info: Info) -> list[Mask]:
        fields = info.context.viewer.masked(self["_t"])
        return [{"field": f, "state": MaskState.WITHHELD} for f in fields]  # type: ignore[misc]

    @strawberry.field(
        description="出处;字段,或关系如 LIVES_AT · where a field's value comes from, or a relationship; all fields when none is named"
    )
    async def why(self: Any, info: Info, field: str | None = None) -> list[Fact]:
        explainer = info.context.explainer
        if explainer is None:
            raise UsageError("NOT_FOUND", "本服务没有账本", "this server has no ledger to answer from")
        from schema.explain import explain

        return await explain(info.context, self["id"], field)  # type: ignore[return-value]


@strawberry.type(description="全息计数 · how much of everything is there")
class Hologram:
    people: Count
    floating: Count
    houses: Count
    rented: Count
    enterprises: Count
    incidents: Count
    matters: Count
    open_matters: Count
    vehicles: Count
    devices: Count
    volunteers: Count


@strawberry.type(description="统一地址:人、房、企、事、物在此关联 · a place at any level")
class Address(leaves.AddressLeaves, Entity):
    is_type_of = is_a("Address")

    @strawberry.field(description="层级 · level")
    def level(self: Any) -> Level:
        return Level[self["level"]]

    @strawberry.field(description="问的是哪一天 · the day asked about")
    def as_of(self: Any, info: Info) -> str:
        return str(self.get("_as_of") or info.context.clock.today_text())

    @strawberry.field(description="坐标 · coordinates")
    def point(self: Any) -> Point | None:
        if self.get("longitude") is None or self.get("latitude") is None:
            return None
        return {"longitude": self["longitude"], "latitude": self["latitude"]}  # type: ignore[return-value]

    @strawberry.field(
        description="所问的编码,与现编码不同时 · the code asked with, where it is not the one of that day"
    )
    def asked_code(self: Any) -> AddressCode | None:
        return self.get("_asked")  # type: ignore[no-any-return]

    @strawberry.field(
        description="撤并拆改:所问编码何以至此,否则为至该日的最近一次 · the change that led from the code asked with to this place; else the last one up to that day"
    )
    def succession(self: Any, info: Info) -> Succession | None:
        return last_change(self, info)  # type: ignore[return-value]

    @strawberry.field(description="历次撤并拆改 · all changes of it, the oldest first")
    def successions(self: Any, info: Info) -> list[Succession]:
        return changes(self, info)  # type: ignore[return-value]

    @strawberry.field(
        description="标准名、俗称、曾用名,各有时效与来源 · its names: official, everyday, former"
    )
    def names(self: Any, info: Info) -> list[PlaceName]:
        return names(self, info)  # type: ignore[return-value]

    @strawberry.field(description="门牌二维码内容 · what the QR code on its door plate says")
    def plate(self: Any, info: Info) -> str:
        return plate_text(self["_now"], info.context.scheme)

    @strawberry.field(description="由区到本级 · from the district down to this place")
    def path(self: Any, info: Info) -> list[Address]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="所属网格、微网格 · grid and micro-grid")
    def areas(self: Any, info: Info) -> list[Address]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="所属小区、道路 · estate and road")
    def groups(self: Any, info: Info) -> list[Address]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="下级 · places below")
    def children(
        self: Any, info: Info, level: Level | None = None, first: int = 50, after: str | None = None
    ) -> AddressConnection:
        return paged(self, info, after)

    @strawberry.field(description="计数 · counts")
    def counts(self: Any, info: Info, reach: Reach = Reach.BELOW) -> Hologram:
        return {k: count(v) for k, v in picked(self, info).items()}  # type: ignore[return-value]

    @strawberry.field(description="人 · residents")
    def residents(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        filter: ResidentFilter | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> PersonConnection:
        return paged(self, info, after)

    @strawberry.field(description="房 · houses")
    def houses(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        rented: bool | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> HouseConnection:
        return paged(self, info, after)

    @strawberry.field(description="企 · enterprises")
    def enterprises(
        self: Any, info: Info, reach: Reach = Reach.BELOW, industry: str | None = None, states: list[str] | None = None,
        first: int = 20, after: str | None = None,
    ) -> EnterpriseConnection:  # fmt: skip
        return paged(self, info, after)

    @strawberry.field(description="车 · vehicles registered here")
    def vehicles(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        kinds: list[str] | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> VehicleConnection:
        return paged(self, info, after)

    @strawberry.field(description="事:发生过什么 · what has happened here")
    def incidents(
        self: Any, info: Info, reach: Reach = Reach.BELOW, kinds: list[str] | None = None, during: Period | None = None,
        order_by: IncidentOrder = IncidentOrder.NEWEST, first: int = 20, after: str | None = None,
    ) -> IncidentConnection:  # fmt: skip
        return paged(self, info, after)

    @strawberry.field(description="事:在办什么 · matters handled here")
    def matters(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        states: list[str] | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> MatterConnection:
        return paged(self, info, after)

    @strawberry.field(description="物 · devices")
    def devices(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        kinds: list[str] | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> DeviceConnection:
        return paged(self, info, after)

    @strawberry.field(description="红领、楼长 · volunteers who serve it")
    def volunteers(
        self: Any, info: Info, reach: Reach = Reach.BELOW, first: int = 20, after: str | None = None
    ) -> VolunteerConnection:
        return paged(self, info, after)

    @strawberry.field(description="队伍 · teams that serve it")
    def teams(
        self: Any, info: Info, reach: Reach = Reach.BELOW, first: int = 20, after: str | None = None
    ) -> TeamConnection:
        return paged(self, info, after)

    @strawberry.field(description="预警,新者在前 · what traces found here, the newest first")
    def findings(
        self: Any,
        info: Info,
        reach: Reach = Reach.BELOW,
        states: list[str] | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="人 · a resident, owner, party or contact")
class Person(leaves.PersonLeaves, Entity):
    is_type_of = is_a("Person")

    @strawberry.field(description="疑为同一人,待人工判定 · who may be the same; a person is asked")
    async def possible_same(self: Any, info: Info) -> list[Match]:
        from schema.links import possibly_same

        return await possibly_same(info.context, self["id"])  # type: ignore[return-value]

    @strawberry.field(description="居所 · homes on the day asked about")
    def homes(self: Any, info: Info, first: int = 20, after: str | None = None) -> AddressConnection:
        return paged(self, info, after)

    @strawberry.field(description="产权房 · houses owned")
    def houses(self: Any, info: Info, first: int = 20, after: str | None = None) -> HouseConnection:
        return paged(self, info, after)

    @strawberry.field(description="承租房 · houses rented")
    def rents(self: Any, info: Info, first: int = 20, after: str | None = None) -> HouseConnection:
        return paged(self, info, after)

    @strawberry.field(description="车辆 · vehicles owned")
    def vehicles(self: Any, info: Info, first: int = 20, after: str | None = None) -> VehicleConnection:
        return paged(self, info, after)

    @strawberry.field(description="工作单位 · employers")
    def employers(self: Any, info: Info, first: int = 20, after: str | None = None) -> EnterpriseConnection:
        return paged(self, info, after)

    @strawberry.field(description="任法定代表人的企业 · enterprises represented")
    def represents(self: Any, info: Info, first: int = 20, after: str | None = None) -> EnterpriseConnection:
        return paged(self, info, after)

    @strawberry.field(description="亲属 · relatives")
    def relatives(self: Any, info: Info, first: int = 20, after: str | None = None) -> PersonConnection:
        return paged(self, info, after)

    @strawberry.field(description="电话 · phones")
    def phones(self: Any, info: Info) -> list[Phone]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="户 · household")
    def household(self: Any, info: Info) -> Household | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="红领身份 · as a volunteer")
    def volunteer(self: Any, info: Info) -> Volunteer | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="涉及的事件 · incidents involved in, newest first")
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> IncidentConnection:
        return paged(self, info, after)


@strawberry.type(description="户 · who lives together")
class Household(leaves.HouseholdLeaves, Entity):
    is_type_of = is_a("Household")

    @strawberry.field(description="成员 · members")
    def members(self: Any, info: Info, first: int = 20, after: str | None = None) -> PersonConnection:
        return paged(self, info, after)


@strawberry.type(description="房屋 · a property at a dwelling")
class House(leaves.HouseLeaves, Entity):
    is_type_of = is_a("House")

    @strawberry.field(description="地址 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="产权人 · people who own it")
    def owners(self: Any, info: Info) -> list[Person]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="产权单位 · enterprises that own it")
    def owner_enterprises(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="承租人 · tenants")
    def tenants(self: Any, info: Info, first: int = 20, after: str | None = None) -> PersonConnection:
        return paged(self, info, after)


@strawberry.type(description="企业及个体工商户 · a business")
class Enterprise(leaves.EnterpriseLeaves, Entity):
    is_type_of = is_a("Enterprise")

    @strawberry.field(description="地址 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="法定代表人 · legal representative")
    def representative(self: Any, info: Info) -> Person | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="从业人员 · who works for it")
    def employees(self: Any, info: Info, first: int = 20, after: str | None = None) -> PersonConnection:
        return paged(self, info, after)

    @strawberry.field(description="房产 · houses owned")
    def houses(self: Any, info: Info, first: int = 20, after: str | None = None) -> HouseConnection:
        return paged(self, info, after)

    @strawberry.field(description="车辆 · vehicles owned")
    def vehicles(self: Any, info: Info, first: int = 20, after: str | None = None) -> VehicleConnection:
        return paged(self, info, after)

    @strawberry.field(description="涉及的事件 · incidents, newest first")
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> IncidentConnection:
        return paged(self, info, after)

    @strawberry.field(description="使用的设备 · devices it uses")
    def devices(self: Any, info: Info, first: int = 20, after: str | None = None) -> DeviceConnection:
        return paged(self, info, after)

    @strawberry.field(description="持有的许可 · permits it holds")
    def permits(self: Any, info: Info) -> list[Permit]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="承建或运营的项目 · projects it builds or runs")
    def projects(self: Any, info: Info) -> list[Project]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="担保的企业 · enterprises that it guarantees")
    def guarantees(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="为其担保的企业 · enterprises that guarantee it")
    def guaranteed_by(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="有关的预警 · findings about it, or shown by it")
    def findings(self: Any, info: Info, first: int = 20, after: str | None = None) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="车辆 · a vehicle")
class Vehicle(leaves.VehicleLeaves, Entity):
    is_type_of = is_a("Vehicle")

    @strawberry.field(description="所有人 · people who own it")
    def owners(self: Any, info: Info) -> list[Person]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="所有单位 · enterprises that own it")
    def owner_enterprises(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="登记地址 · where it is registered")
    def registered_at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="准运证等 · permits")
    def permits(self: Any, info: Info) -> list[Permit]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="涉及的事件 · incidents, newest first")
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> IncidentConnection:
        return paged(self, info, after)

    @strawberry.field(description="趟次 · trips, the latest first")
    def trips(self: Any, info: Info) -> list[Trip]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="有关的预警 · findings about it, or shown by it")
    def findings(self: Any, info: Info, first: int = 20, after: str | None = None) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="电话 · a number as a thing")
class Phone(leaves.PhoneLeaves, Entity):
    is_type_of = is_a("Phone")

    @strawberry.field(description="持有人 · holders")
    def holders(self: Any, info: Info, first: int = 20, after: str | None = None) -> PersonConnection:
        return paged(self, info, after)

    @strawberry.field(description="通话对端 · phones that called it or that it called")
    def called(self: Any, info: Info) -> list[Phone]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="涉及的事件 · incidents, newest first")
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> IncidentConnection:
        return paged(self, info, after)


@strawberry.type(description="参与方 · who or what is involved, and how")
class Party:
    entity: Entity

    @strawberry.field(description="角色 · role")
    def role(self: Any, info: Info) -> Term | None:
        return as_term(info, "incident_role", self["role"]) if self.get("role") else None


def _steps(source: Any, info: Info) -> list[Step]:
    by = source.get("step_by") or []
    return [
        {"at": at, "to": as_term(info, "matter_state", to), "by": (by[i] or None) if i < len(by) else None}  # type: ignore[misc]
        for i, (at, to) in enumerate(
            zip(source.get("step_at") or [], source.get("step_to") or [], strict=False)
        )
    ]


def _reports(source: Any, info: Info) -> list[Report]:
    if source.get("numbers"):
        lists = [source.get(f"report_{name}") or [] for name in ("kind", "category", "at")]
        told = list(zip(source["numbers"].strip("|").split("|"), *lists, strict=False))
    else:
        told = [tuple(source.get(name) for name in ("number", "kind", "category", "occurred_at"))]
    return [
        {
            "number": number,
            "kind": as_term(info, "incident_kind", kind) if kind else None,
            "category": as_term(info, "incident_kind", category) if category else None,
            "at": at or None,
        }  # type: ignore[misc]
        for number, kind, category, at in told
        if number
    ]


@strawberry.type(description="事件:一个或几个来源报告的一次事实 · what one or more sources reported happened")
class Incident(leaves.IncidentLeaves, Entity):
    is_type_of = is_a("Incident")

    @strawberry.field(description="疑为同一事件,待人工判定 · which may be the same; a person is asked")
    async def possible_same(self: Any, info: Info) -> list[Match]:
        from schema.links import possibly_same

        return await possibly_same(info.context, self["id"])  # type: ignore[return-value]

    @strawberry.field(description="发生地 · where it happened")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="参与方 · parties")
    def parties(self: Any, info: Info) -> list[Party]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="并入的事项 · the matter it is handled in; the first of several")
    def matter(self: Any, info: Info) -> Matter | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="并入的全部事项 · all matters it is handled in")
    def matters(self: Any, info: Info) -> list[Matter]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="各来源的报告 · the reports of it, the earliest first")
    def reports(self: Any, info: Info) -> list[Report]:
        return _reports(self, info)

    @strawberry.field(description="办理单位 · handled by")
    def handled_by(self: Any, info: Info) -> list[Organisation]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="步骤 · steps, oldest first")
    def steps(self: Any, info: Info) -> list[Step]:
        return _steps(self, info)

    @strawberry.field(description="有关的预警 · findings about it, or shown by it")
    def findings(self: Any, info: Info, first: int = 20, after: str | None = None) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="事项:一件要办的事 · work to be done")
class Matter(leaves.MatterLeaves, Entity):
    is_type_of = is_a("Matter")

    @strawberry.field(description="地址 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="并入的事件 · incidents handled in it")
    def incidents(self: Any, info: Info) -> list[Incident]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="办理单位 · handled by")
    def handled_by(self: Any, info: Info) -> list[Organisation]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="步骤 · steps, oldest first")
    def steps(self: Any, info: Info) -> list[Step]:
        return _steps(self, info)

    @strawberry.field(description="有关的预警 · findings about it, or shown by it")
    def findings(self: Any, info: Info, first: int = 20, after: str | None = None) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="萧山红领 · a volunteer")
class Volunteer(leaves.VolunteerLeaves, Entity):
    is_type_of = is_a("Volunteer")

    @strawberry.field(description="本人 · the person, where the number is known")
    def person(self: Any, info: Info) -> Person | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="所在队伍 · team")
    def team(self: Any, info: Info) -> Team | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="服务地 · the place served")
    def serves(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="红领队伍 · a team of volunteers")
class Team(leaves.TeamLeaves, Entity):
    is_type_of = is_a("Team")

    @strawberry.field(description="队员 · members")
    def members(self: Any, info: Info, first: int = 20, after: str | None = None) -> VolunteerConnection:
        return paged(self, info, after)

    @strawberry.field(description="服务地 · the place served")
    def serves(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="单位 · an organisation")
class Organisation(leaves.OrganisationLeaves, Entity):
    is_type_of = is_a("Organisation")


@strawberry.type(description="设备 · a device")
class Device(leaves.DeviceLeaves, Entity):
    is_type_of = is_a("Device")

    @strawberry.field(description="地址 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="使用人 · people who use it")
    def users(self: Any, info: Info) -> list[Person]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="使用单位 · enterprises that use it")
    def user_enterprises(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="涉及的事件 · incidents, newest first")
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> IncidentConnection:
        return paged(self, info, after)

    @strawberry.field(description="有关的预警 · findings about it, or shown by it")
    def findings(self: Any, info: Info, first: int = 20, after: str | None = None) -> FindingConnection:
        return paged(self, info, after)


@strawberry.type(description="许可 · a permit")
class Permit(leaves.PermitLeaves, Entity):
    is_type_of = is_a("Permit")

    @strawberry.field(description="用于的项目 · projects it is for")
    def projects(self: Any, info: Info) -> list[Project]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="持有的车辆 · vehicles that hold it")
    def vehicles(self: Any, info: Info) -> list[Vehicle]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="持有的企业 · enterprises that hold it")
    def enterprises(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="项目:工地、消纳场、重大决策 · a site, a dump site, a decision")
class Project(leaves.ProjectLeaves, Entity):
    is_type_of = is_a("Project")

    @strawberry.field(description="地址 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="承建单位 · enterprises that build it")
    def builders(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="运营单位 · enterprises that run it")
    def runners(self: Any, info: Info) -> list[Enterprise]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="为其核发的许可 · permits for it")
    def permits(self: Any, info: Info) -> list[Permit]:
        return picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="有关事项 · matters for it")
    def matters(self: Any, info: Info) -> list[Matter]:
        return picked(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="趟次 · a trip of a truck")
class Trip(leaves.TripLeaves, Entity):
    is_type_of = is_a("Trip")

    @strawberry.field(description="车辆 · the truck")
    def vehicle(self: Any, info: Info) -> Vehicle | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="工地 · the site it came from")
    def from_project(self: Any, info: Info) -> Project | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="消纳场 · the dump site it went to")
    def to_project(self: Any, info: Info) -> Project | None:
        return first_picked(self, info)  # type: ignore[no-any-return]


@strawberry.type(
    description="预警:关于地点或事项,从不给人打分 · what a trace found: about a place or a matter, never a score of a person"
)
class Finding(leaves.FindingLeaves, Entity):
    is_type_of = is_a("Finding")

    @strawberry.field(description="所在 · where it is")
    def at(self: Any, info: Info) -> Address | None:
        return first_picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="关于;双方之间者为空 · what it is about; null for a pair of parties")
    async def about(self: Any, info: Info) -> Entity | None:
        from schema.findings import about

        return await about(self, info)  # type: ignore[no-any-return]

    @strawberry.field(
        description="证据:所示各项、其共同的当事人等及相互关系 · what shows it, what these have in common, and how they are related"
    )
    async def evidence(
        self: Any, info: Info, limit: int = 50
    ) -> Annotated[Subgraph, strawberry.lazy("schema.results")]:
        from schema.findings import evidence

        return await evidence(self, info, limit)  # type: ignore[no-any-return]


if TYPE_CHECKING:
    from schema.results import Subgraph

    FindingConnection: TypeAlias = Any
    AddressConnection: TypeAlias = Any
    PersonConnection: TypeAlias = Any
    HouseConnection: TypeAlias = Any
    EnterpriseConnection: TypeAlias = Any
    VehicleConnection: TypeAlias = Any
    IncidentConnection: TypeAlias = Any
    MatterConnection: TypeAlias = Any
    VolunteerConnection: TypeAlias = Any
    TeamConnection: TypeAlias = Any
    DeviceConnection: TypeAlias = Any
else:
    AddressConnection = make_connection("Address", Address, MODULE)
    PersonConnection = make_connection("Person", Person, MODULE)
    HouseConnection = make_connection("House", House, MODULE)
    EnterpriseConnection = make_connection("Enterprise", Enterprise, MODULE)
    VehicleConnection = make_connection("Vehicle", Vehicle, MODULE)
    IncidentConnection = make_connection("Incident", Incident, MODULE)
    MatterConnection = make_connection("Matter", Matter, MODULE)
    VolunteerConnection = make_connection("Volunteer", Volunteer, MODULE)
    TeamConnection = make_connection("Team", Team, MODULE)
    DeviceConnection = make_connection("Device", Device, MODULE)
    FindingConnection = make_connection("Finding", Finding, MODULE)

NODE_TYPES: dict[str, Any] = {
    "Address": Address, "Person": Person, "Household": Household, "House": House, "Enterprise": Enterprise,
    "Vehicle": Vehicle, "Phone": Phone, "Incident": Incident, "Matter": Matter, "Volunteer": Volunteer,
    "Team": Team, "Organisation": Organisation, "Device": Device, "Permit": Permit,
    "Project": Project, "Trip": Trip, "Finding": Finding,
}  # fmt: skip
__all__ = ["NODE_TYPES", "Entity", "Node", "exact"]
