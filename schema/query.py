"""The roots."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import strawberry

from addresses.plate import read_plate
from graph.compile import Group, decode_position, encode_cursor, first_of
from graph.queries import search
from graph.selection import Selected
from graph.viewer import DEVELOPMENT
from ontology import ONTOLOGY, identifiers
from ontology.errors import UsageError
from schema import between, findings, impacts, places, subgraphs, timelines, trials
from schema import types as t
from schema.ask import Ask, area_of, limited, not_found
from schema.disagreements import DisagreementConnection, disagreements
from schema.errors import ERROR_CODES
from schema.findings import FindingFilter, FindingOrder, Trace
from schema.found import connected
from schema.links import IdentityLinkConnection, LinkKind, LinkState, links
from schema.recurrences import relapsed, repeated
from schema.resolution import (
    Outcome,
    PlaceInText,
    Resolution,
    WaitingFor,
    WaitingTextConnection,
    places_in,
    resolve_address,
    search_resolution,
    waiting,
)
from schema.results import (
    AddressDiff,
    CommonConnections,
    FeedState,
    FindingCaseConnection,
    Impact,
    NearbyConnection,
    PathResult,
    RelapseConnection,
    RepeatConnection,
    SearchResult,
    SimilarIncidentConnection,
    Subgraph,
    TimelineEventConnection,
    Viewer,
)
from schema.scalars import AddressCode, Corner, Crs, Date, Exactness, Kind, Level, Period, RepeatBy, Term
from schema.similar import similar
from schema.terms import Info, as_term
from schema.trials import ParameterValue, TraceTrial


@strawberry.type
class Query:
    @strawberry.field(
        description="我是谁、辖区、可用用途、本区今日、是否合成数据 · who asks, and the district's today"
    )
    async def viewer(self, info: Info, as_of: Date | None = None) -> Viewer:
        ask = Ask(info, as_of)
        viewer, area = info.context.viewer, None
        selected = ask.part("area")
        if selected is not None:
            if viewer.area is not None:
                rows = await ask.read(
                    ask.compiler.by_key(
                        "Address", "code", viewer.area, selected, ask.compiler.place_of(viewer.area)
                    )
                )
            else:
                rows = await ask.read(_district(ask, selected))
            area = rows[0] if rows else None
        return {  # type: ignore[return-value]
            "name": viewer.name, "area": area, "roles": list(viewer.roles), "purposes": list(viewer.purposes),
            "today": info.context.clock.today_text(), "synthetic": info.context.synthetic,
        }  # fmt: skip

    @strawberry.field(
        description="全息视图;code 可为现码、曾用码或“机构:编码”,plate 为门牌二维码内容;皆不给则为本人辖区 · the holographic view; by a code of "
        "any age, `authority:code`, or what a door plate says; your own area when neither is given"
    )
    async def address(
        self,
        info: Info,
        code: AddressCode | None = None,
        plate: str | None = None,
        as_of: Date | None = None,
    ) -> t.Address | None:
        if plate is not None:
            if code is not None:
                raise UsageError("BAD_ARGUMENT", "code 与 plate 只能给其一", "give either code or plate")
            code = AddressCode(read_plate(plate, info.context.scheme).code)
        ask = Ask(info, as_of)
        code = code or info.context.viewer.area  # type: ignore[assignment]
        if code is None:
            rows = await ask.read(_district(ask, ask.selected))
            if not rows:
                raise not_found("地址")
            return rows[0]  # type: ignore[no-any-return]
        return await places.address(ask, str(code))  # type: ignore[return-value]

    @strawberry.field(
        description="批量,次序与入参一致 · several at once, in the order asked; null where there is none"
    )
    async def addresses(
        self, info: Info, codes: list[AddressCode], as_of: Date | None = None
    ) -> list[t.Address | None]:
        limited(codes, "地址")
        return await places.addresses(Ask(info, as_of), [str(c) for c in codes])  # type: ignore[return-value]

    @strawberry.field(
        description="两日之间的变化:迁入迁出、房屋、企业开闭、事件、地址 · what changed in a place between two days"
    )
    async def address_diff(
        self,
        info: Info,
        code: AddressCode,
        from_: Annotated[Date, strawberry.argument(name="from")],
        to: Date | None = None,
    ) -> AddressDiff:
        return await places.address_diff(Ask(info, to), str(code), str(from_))  # type: ignore[return-value]

    @strawberry.field(description="周边地址,由近及远 · addresses within so many metres, the nearest first")
    async def nearby(
        self, info: Info, code: AddressCode, metres: int = 300, levels: list[Level] | None = None, as_of: Date | None = None,
        first: int = 20, after: str | None = None,
    ) -> NearbyConnection:  # fmt: skip
        wanted = [level.value for level in levels] if levels is not None else None
        return await places.nearby(Ask(info, as_of), str(code), metres, wanted, after)  # type: ignore[return-value]

    @strawberry.field(description="多边形内的地址,按编码 · addresses within a polygon, by code")
    async def within(
        self, info: Info, polygon: list[Corner], crs: Crs = Crs.CGCS2000, levels: list[Level] | None = None,
        as_of: Date | None = None, first: int = 20, after: str | None = None,
    ) -> t.AddressConnection:  # fmt: skip
        wanted = [level.value for level in levels] if levels is not None else None
        corners = [(c.longitude, c.latitude) for c in polygon]
        return await places.within(Ask(info, as_of), corners, crs.value, wanted, after)

    @strawberry.field(description="按编号查任一实体 · anything by its id")
    async def node(self, info: Info, id: strawberry.ID, as_of: Date | None = None) -> t.Entity | None:
        found = await _nodes(Ask(info, as_of), [str(id)])
        if found[0] is None:
            raise not_found("记录")
        return found[0]  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · several at once, in the order asked; null where there is none")
    async def nodes(
        self, info: Info, ids: list[strawberry.ID], as_of: Date | None = None
    ) -> list[t.Entity | None]:
        limited(ids, "编号")
        return await _nodes(Ask(info, as_of), [str(i) for i in ids])

    @strawberry.field(
        description="人;证件号只许 POST,服务端即刻散列 · a person by id, or by identity number over POST only"
    )
    async def person(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        id_number: str | None = None,
        as_of: Date | None = None,
    ) -> t.Person | None:
        ask = Ask(info, as_of)
        if (id is None) == (id_number is None):
            raise UsageError("BAD_ARGUMENT", "id 与 idNumber 须给其一", "give either id or idNumber")
        if id_number is None:
            return await ask.one("Person", "id", str(id), "人")  # type: ignore[no-any-return]
        if info.context.method != "POST":
            raise UsageError(
                "PERSONAL_DATA_IN_GET",
                "证件号只许以 POST 提交",
                "an identity number may only be sent by POST",
            )
        verdict = identifiers.check_citizen_id(id_number)
        if not verdict.ok or verdict.normal is None:
            raise UsageError("BAD_IDENTIFIER", "证件号码有误", "not a valid identity number")
        normal = verdict.normal if len(verdict.normal) == 18 else identifiers.to_eighteen(verdict.normal)
        return await ask.one("Person", "id_hash", info.context.identity_hash(normal), "人")  # type: ignore[no-any-return]

    @strawberry.field(description="按编号批量查人 · people by ids; null where there is none")
    async def people(
        self, info: Info, ids: list[strawberry.ID], as_of: Date | None = None
    ) -> list[t.Person | None]:
        return await _many(Ask(info, as_of), "Person", "id", ids)

    @strawberry.field(description="电话 · a phone by its number")
    async def phone(self, info: Info, number: str, as_of: Date | None = None) -> t.Phone | None:
        verdict = identifiers.check_phone(number)
        bad = UsageError("BAD_IDENTIFIER", "电话号码有误", "not a phone number")
        return await _by_identifier(  # type: ignore[no-any-return]
            Ask(info, as_of), "Phone", "number", verdict.normal if verdict.ok else None, number, "电话", bad
        )

    @strawberry.field(description="批量 · phones by their numbers; null where there is none")
    async def phones(self, info: Info, numbers: list[str], as_of: Date | None = None) -> list[t.Phone | None]:
        wanted = [identifiers.check_phone(x).normal or x.strip() for x in numbers]
        return await _many(Ask(info, as_of), "Phone", "number", wanted)

    @strawberry.field(description="房屋 · a house by its number")
    async def house(self, info: Info, hid: str, as_of: Date | None = None) -> t.House | None:
        return await Ask(info, as_of).one("House", "hid", hid, "房屋")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · houses by their numbers; null where there is none")
    async def houses(self, info: Info, hids: list[str], as_of: Date | None = None) -> list[t.House | None]:
        return await _many(Ask(info, as_of), "House", "hid", hids)

    @strawberry.field(description="企业 · an enterprise by its credit code")
    async def enterprise(self, info: Info, uscc: str, as_of: Date | None = None) -> t.Enterprise | None:
        verdict = identifiers.check_uscc(uscc)
        if not verdict.ok:
            raise UsageError(
                "BAD_IDENTIFIER", "统一社会信用代码有误", "not a valid unified social credit code"
            )
        return await Ask(info, as_of).one("Enterprise", "uscc", verdict.normal, "企业")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · enterprises by credit codes; null where there is none")
    async def enterprises(
        self, info: Info, usccs: list[str], as_of: Date | None = None
    ) -> list[t.Enterprise | None]:
        wanted = [identifiers.check_uscc(x).normal or x for x in usccs]
        return await _many(Ask(info, as_of), "Enterprise", "uscc", wanted)

    @strawberry.field(description="车辆 · a vehicle by its plate")
    async def vehicle(self, info: Info, plate: str, as_of: Date | None = None) -> t.Vehicle | None:
        verdict = identifiers.check_plate(plate)
        normal = verdict.normal if verdict.ok else identifiers.check_ebike_plate(plate).normal
        bad = UsageError("BAD_IDENTIFIER", "号牌号码有误", "not a plate")
        return await _by_identifier(Ask(info, as_of), "Vehicle", "plate", normal, plate, "车辆", bad)  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · vehicles by plates; null where there is none")
    async def vehicles(
        self, info: Info, plates: list[str], as_of: Date | None = None
    ) -> list[t.Vehicle | None]:
        wanted = [
            identifiers.check_plate(x).normal or identifiers.check_ebike_plate(x).normal or x for x in plates
        ]
        return await _many(Ask(info, as_of), "Vehicle", "plate", wanted)

    @strawberry.field(description="事件,按来源单号 · an incident by the number of its source")
    async def incident(self, info: Info, number: str, as_of: Date | None = None) -> t.Incident | None:
        return await Ask(info, as_of).one("Incident", "number", number, "事件")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · incidents by numbers; null where there is none")
    async def incidents(
        self, info: Info, numbers: list[str], as_of: Date | None = None
    ) -> list[t.Incident | None]:
        return await _many(Ask(info, as_of), "Incident", "number", numbers)

    @strawberry.field(description="事项,按编号 · a matter by its number")
    async def matter(self, info: Info, number: str, as_of: Date | None = None) -> t.Matter | None:
        return await Ask(info, as_of).one("Matter", "number", number, "事项")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · matters by numbers; null where there is none")
    async def matters(
        self, info: Info, numbers: list[str], as_of: Date | None = None
    ) -> list[t.Matter | None]:
        return await _many(Ask(info, as_of), "Matter", "number", numbers)

    @strawberry.field(description="红领 · a volunteer by number")
    async def volunteer(self, info: Info, vid: str, as_of: Date | None = None) -> t.Volunteer | None:
        return await Ask(info, as_of).one("Volunteer", "vid", vid, "红领")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · volunteers by numbers; null where there is none")
    async def volunteers(
        self, info: Info, vids: list[str], as_of: Date | None = None
    ) -> list[t.Volunteer | None]:
        return await _many(Ask(info, as_of), "Volunteer", "vid", vids)

    @strawberry.field(description="队伍 · a team by number")
    async def team(self, info: Info, tid: str, as_of: Date | None = None) -> t.Team | None:
        return await Ask(info, as_of).one("Team", "tid", tid, "队伍")  # type: ignore[no-any-return]

    @strawberry.field(description="批量 · teams by numbers; null where there is none")
    async def teams(self, info: Info, tids: list[str], as_of: Date | None = None) -> list[t.Team | None]:
        return await _many(Ask(info, as_of), "Team", "tid", tids)

    @strawberry.field(description="搜索,按类分组;只给一种 kinds 时可用 after 翻页 · search, grouped by kind")
    async def search(
        self, info: Info, text: str, kinds: list[Kind] | None = None, area: AddressCode | None = None, as_of: Date | None = None,
        first: int = 5, after: str | None = None,
    ) -> SearchResult:  # fmt: skip
        return await _search(Ask(info, as_of), text, kinds, area, after)  # type: ignore[return-value]

    @strawberry.field(
        description="反复纠纷;给 kinds 则为该类事件 · disputes that repeat, or incidents of other kinds"
    )
    async def repeat_disputes(
        self, info: Info, area: AddressCode, by: RepeatBy = RepeatBy.EITHER, within_days: int = 90, minimum: int = 3,
        kinds: list[str] | None = None, as_of: Date | None = None, first: int = 20, after: str | None = None,
    ) -> RepeatConnection:  # fmt: skip
        return await repeated(Ask(info, as_of), str(area), by.value, within_days, minimum, kinds, after)

    @strawberry.field(description="隐患复燃 · hazards that came back")
    async def hazard_relapses(
        self,
        info: Info,
        area: AddressCode,
        within_days: int = 30,
        as_of: Date | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> RelapseConnection:
        return await relapsed(Ask(info, as_of), str(area), within_days, after)

    @strawberry.field(description="周边关系 · what is around something")
    async def neighbourhood(
        self,
        info: Info,
        id: strawberry.ID,
        depth: int = 1,
        kinds: list[Kind] | None = None,
        as_of: Date | None = None,
        limit: int = 300,
    ) -> Subgraph:
        return await subgraphs.neighbourhood(Ask(info, as_of), str(id), depth, kinds, limit)  # type: ignore[return-value]

    @strawberry.field(
        description="共同关联:这些记录中至少两个都与之直接有关者 · what at least two of several things are directly bound to"
    )
    async def common_connections(
        self, info: Info, ids: list[strawberry.ID], kinds: list[Kind] | None = None, as_of: Date | None = None, limit: int = 50
    ) -> CommonConnections:  # fmt: skip
        return await between.common(Ask(info, as_of), [str(i) for i in ids], kinds, limit)  # type: ignore[return-value]

    @strawberry.field(
        description="相似事件,给事件或事项的编号;最相似者在前 · incidents like an incident or a matter's, the most alike first"
    )
    async def similar_matters(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Date | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> SimilarIncidentConnection:
        return await similar(Ask(info, as_of), str(id), after)

    @strawberry.field(
        description="担保链风险:企业倒下在 steps 层担保之内会波及谁 · whom it reaches within so many guarantees when an enterprise fails"
    )
    async def impact(
        self, info: Info, enterprise: strawberry.ID, steps: int = 3, as_of: Date | None = None
    ) -> Impact:
        return await impacts.impact(Ask(info, as_of), str(enterprise), steps)  # type: ignore[return-value]

    @strawberry.field(
        description="时间线,新者在前:有关的事件,关系的起止 · what happened to several things, and what began and ended, the latest first"
    )
    async def timeline(
        self, info: Info, ids: list[strawberry.ID], from_: Annotated[Date | None, strawberry.argument(name="from")] = None,
        to: Date | None = None, as_of: Date | None = None, first: int = 20, after: str | None = None,
    ) -> TimelineEventConnection:  # fmt: skip
        since, until = (str(day) if day is not None else None for day in (from_, to))
        return await timelines.timeline(Ask(info, as_of), [str(i) for i in ids], since, until, after)

    @strawberry.field(
        description="两者有何关联;不走行政层级与枢纽;给 during 则各段须在其间同时成立 · how two things are related; during: by what held at one time of these days"
    )
    async def paths(
        self, info: Info, from_: Annotated[strawberry.ID, strawberry.argument(name="from")], to: strawberry.ID, max_depth: int = 4, relations: list[str] | None = None,
        during: Period | None = None, as_of: Date | None = None, limit: int = 10,
    ) -> PathResult:  # fmt: skip
        return await between.paths(Ask(info, as_of), str(from_), str(to), max_depth, relations, during, limit)  # type: ignore[return-value]

    @strawberry.field(description="数据源状况 · how feeds do; all of them when none is named")
    async def feed_status(
        self, info: Info, names: list[str] | None = None, as_of: Date | None = None
    ) -> list[FeedState]:
        ask, context = Ask(info, as_of), info.context
        # How much a department sends is about the whole district.
        if context.feed_status is None or context.viewer != DEVELOPMENT:
            raise not_found("数据源")
        if names is not None:
            limited(names, "数据源")
        parts = {"unplaced"} if ask.part("unplaced") is not None else set[str]()
        found: list[Any] = await asyncio.to_thread(context.feed_status, names, parts)
        return found

    @strawberry.field(
        description="同一性关联,最可能者在前;默认待人工判定者 · who may be whom, the surest first"
    )
    async def links(
        self, info: Info, kind: LinkKind = LinkKind.PERSON, state: LinkState = LinkState.ASK, as_of: Date | None = None,
        first: int = 20, after: str | None = None,
    ) -> IdentityLinkConnection:  # fmt: skip
        return await links(Ask(info, as_of), kind, state, after)

    @strawberry.field(
        description="自由文本 → 地址;near 为所在地或附近的编码 · which place a text names; `near`: a place in or by which it is likelier"
    )
    async def resolve_address(
        self,
        info: Info,
        text: str,
        near: AddressCode | None = None,
        first: int = 5,
        as_of: Date | None = None,
    ) -> Resolution:
        return await resolve_address(Ask(info, as_of), text, near and str(near), first)  # type: ignore[return-value]

    @strawberry.field(description="一段文字中的各处地点 · the places that a sentence or a message names")
    async def places_in(
        self, info: Info, text: str, near: AddressCode | None = None, as_of: Date | None = None
    ) -> list[PlaceInText]:
        return await places_in(Ask(info, as_of), text, near and str(near))  # type: ignore[return-value]

    @strawberry.field(
        description="待定的地址文本,记录多者在前 · texts of feeds whose place is not sure, most frequent first"
    )
    async def unplaced(
        self, info: Info, feed: str | None = None, outcome: WaitingFor = WaitingFor.ASK, as_of: Date | None = None,
        first: int = 20, after: str | None = None,
    ) -> WaitingTextConnection:  # fmt: skip
        return await waiting(Ask(info, as_of), feed, outcome, after)

    @strawberry.field(
        description="部门数据不一致;给 department 则为该部门所述而未被采信者 · where departments contradict each other"
    )
    async def disagreements(
        self, info: Info, department: str | None = None, field: str | None = None, as_of: Date | None = None,
        first: int = 20, after: str | None = None,
    ) -> DisagreementConnection:  # fmt: skip
        return await disagreements(Ask(info, as_of), department, field, after)

    @strawberry.field(
        description="预警;给 area 则为该处及以下 · what the district's traces found, in a place and below it"
    )
    async def findings(
        self, info: Info, area: AddressCode | None = None, filter: FindingFilter | None = None,
        order_by: FindingOrder = FindingOrder.NEWEST, as_of: Date | None = None, first: int = 20, after: str | None = None,
    ) -> t.FindingConnection:  # fmt: skip
        ask = Ask(info, as_of)
        within = area_of(ask, str(area)) if area is not None else None
        return await findings.page(ask, within, ask.selected.args.get("filter") or {}, order_by, after)

    @strawberry.field(
        description="案件:同一处有几项预警未了结,重者在前 · places where several findings stand, the severest first"
    )
    async def finding_cases(
        self, info: Info, area: AddressCode | None = None, minimum: int = 2, as_of: Date | None = None,
        first: int = 20, after: str | None = None,
    ) -> FindingCaseConnection:  # fmt: skip
        ask = Ask(info, as_of)
        return await findings.cases(
            ask, area_of(ask, str(area)) if area is not None else None, minimum, after
        )

    @strawberry.field(description="预警,按编号 · a finding by its id, with its evidence for drawing")
    async def finding(self, info: Info, id: strawberry.ID, as_of: Date | None = None) -> t.Finding | None:
        return await Ask(info, as_of).one("Finding", "id", str(id), "预警")  # type: ignore[no-any-return]

    @strawberry.field(description="模型及其实绩 · the district's traces, and how they do")
    async def traces(self, info: Info, as_of: Date | None = None) -> list[Trace]:
        return await findings.traces(Ask(info, as_of))  # type: ignore[return-value]

    @strawberry.field(description="模型,按名 · a trace by its name")
    async def trace(self, info: Info, name: str, as_of: Date | None = None) -> Trace | None:
        return (await findings.traces(Ask(info, as_of), [name]))[0]  # type: ignore[return-value]

    @strawberry.field(
        description="试算模型:给 name 或 declaration(YAML 声明),set 为参数取值 · try a standing trace, or one declared here; nothing is kept"
    )
    async def trace_trial(
        self, info: Info, name: str | None = None, declaration: str | None = None, set: list[ParameterValue] | None = None,
        as_of: Date | None = None,
    ) -> TraceTrial | None:  # fmt: skip
        return await trials.trial(Ask(info, as_of), name, declaration, set)  # type: ignore[return-value]

    @strawberry.field(description="字典 · the terms of a list: incident_kind, residence, error_code …")
    def terms(self, info: Info, list: str, as_of: Date | None = None) -> list[Term]:
        if list == "error_code":
            return [Term(code=e.code, zh=e.zh, en=e.en, parent=None) for e in ERROR_CODES.values()]
        held = info.context.terms.lists.get(list)
        if held is None:
            known = ", ".join([*info.context.terms.lists, "error_code"])
            raise UsageError(
                "BAD_ARGUMENT",
                f"没有名为 {list} 的字典",
                f"no term list is called {list}",
                f"There are: {known}.",
            )
        return [as_term(info, list, code) for code in held]


def _district(ask: Ask, selected: Selected) -> str:
    top = ask.context.scheme.top
    place = ask.compiler.place_of("")
    place.kind, place.level = "tree", top
    return ask.compiler.by_key("Address", "level", top, selected, place)


async def _nodes(ask: Ask, ids: list[str]) -> list[Any]:
    found = await ask.by_ids(ids)
    return [found.get(id) for id in ids]


async def _many(ask: Ask, label: str, key: str, values: list[Any]) -> list[Any]:
    limited(values, "数量")
    wanted = [str(v) for v in values]
    found = await ask.by_keys([Group(label, key, sorted(set(wanted)))])
    return [found.get(v) for v in wanted]


async def _by_identifier(
    ask: Ask, label: str, key: str, normal: str | None, given: str, what: str, bad: UsageError
) -> Any:
    """By an identifier's normal form; one of no known form is looked up as it was given, for other countries have others.

    Raises:
        UsageError: NOT_FOUND; `bad` for what has no known form and is not there (or not for the viewer).
    """
    if normal is not None:
        return await ask.one(label, key, normal, what)
    try:
        return await ask.one(label, key, given.strip(), what)
    except UsageError as error:
        if error.code != "NOT_FOUND":
            raise
        raise bad from None


async def _search(
    ask: Ask, text: str, kinds: list[Kind] | None, area: str | None, after: str | None
) -> dict[str, Any]:
    text = text.strip()
    if not text or len(text) > 100:
        raise UsageError("BAD_ARGUMENT", "检索词须为 1 到 100 个字", "the text must have 1 to 100 characters")
    if after is not None and (kinds is None or len(kinds) != 1):
        raise UsageError("BAD_CURSOR", "只给一种 kinds 时才可翻页", "a cursor goes with exactly one kind")
    first = first_of(ask.selected, 5)
    labels = (
        [k.value for k in kinds]
        if kinds
        else [x for x in t.NODE_TYPES if x not in ("Household", "Permit", "Trip", "Finding")]
    )
    labels = [
        x
        for x in labels
        if ask.context.viewer.sees_label(x)
        and any(f.searchable for f in ONTOLOGY.entities[x].fields().values())
    ]
    skip = decode_position(after, "score") if after is not None else 0
    node = ask.part("groups", "hits", "edges", "node")
    groups: dict[str, tuple[str, str]] = {}
    inside = area_of(ask, area)[1] if area is not None else None
    for label in labels:
        conditions = ask.compiler.visible(label, "n")
        if inside is not None:
            narrow = _inside(ask, label, ask.compiler.parameter(inside))
            if narrow is None:
                continue
            conditions = [*conditions, narrow]
        where = "".join(f" AND {c}" for c in conditions)
        groups[label] = (where, ask.compiler.node(label, "n", node) if node is not None else "n{.id}")
    resolution = await search_resolution(ask, text, area)
    understood = _understood(text)
    if resolution is not None and resolution["outcome"] in (Outcome.RESOLVED, Outcome.ASK):
        understood.append("address")
    if not groups:
        return {"understood": understood, "resolution": resolution, "groups": []}
    narrowed = bool(kinds) or area is not None or ask.context.viewer.area is not None
    most = search.HITS_NARROWED if narrowed else search.HITS
    params = {"text": search.lucene(text), "first": first + 1, "skip": skip, "hits": most}
    rows = await ask.read(search.statement(groups), params)
    cut = rows[0]["_hits"] >= most
    answer = []
    for label in groups:
        held = rows[0][label]
        if not held["rows"]:
            continue
        edges = [
            {"cursor": encode_cursor("score", str(skip + i + 1)), "node": r["node"], "score": r["score"]}
            for i, r in enumerate(held["rows"][:first])
        ]
        answer.append(
            {
                "kind": Kind(label),
                "hits": {
                    **connected(edges, len(held["rows"]) > first, skip > 0, 0),
                    "total_count": {
                        "value": held["total"],
                        "exactness": Exactness.AT_LEAST if cut else Exactness.EXACT,
                    },
                },
                "_top": held["rows"][0]["score"],
            }
        )
    answer.sort(key=lambda g: -g["_top"])
    return {"understood": understood, "resolution": resolution, "groups": answer}


def _inside(ask: Ask, label: str, key: str) -> str | None:
    if label in ("Phone", "Organisation"):
        return None
    if label == "Person":
        return f"EXISTS {{ MATCH (n)-[near:LIVES_AT]->() WHERE (near.place STARTS WITH {key} OR near.grid STARTS WITH {key}) AND {ask.compiler.current('near')} }}"
    if label == "Address":
        return f"(n.place STARTS WITH {key} OR n.grid STARTS WITH {key} OR n.code STARTS WITH {key})"
    return f"(n.place STARTS WITH {key} OR n.grid STARTS WITH {key})"


def _understood(text: str) -> list[str]:
    kinds = (
        ("citizen_id", identifiers.check_citizen_id), ("uscc", identifiers.check_uscc), ("plate", identifiers.check_plate),
        ("mobile", identifiers.check_mobile),
    )  # fmt: skip
    return [name for name, check in kinds if check(text).ok]
