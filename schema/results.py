"""What the roots that are not entities answer with."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from schema import exploring
from schema import types as t
from schema.connections import PageInfo, make_connection
from schema.resolution import Resolution
from schema.scalars import Alike, Count, Cut, Date, DateTime, Fact, Kind, RepeatBy, Term, TimelineWhat
from schema.terms import Info

MODULE = globals()


@strawberry.type(description="我是谁 · who asks")
class Viewer:
    name: str
    area: t.Address | None
    roles: list[str]
    purposes: list[str]
    today: Date
    synthetic: bool


@strawberry.type(
    description="反复纠纷 · disputes that repeat, with the incidents that prove it, oldest first"
)
class Repeat:
    by: list[RepeatBy]
    sentence: str
    matters: int
    days: int
    at: t.Address | None
    parties: list[t.Entity]
    incidents: list[t.Incident]


@strawberry.type(description="隐患复燃 · a hazard that came back after it had been put right")
class Relapse:
    category: Term
    sentence: str
    days: int
    at: t.Address | None
    earlier: t.Incident | None
    later: t.Incident | None


@strawberry.type(
    description="案件:同一处未了结的几项预警,一并处置 · findings that stand at one very place, to be seen to together"
)
class FindingCase:
    at: t.Address | None
    severity: Term | None = strawberry.field(description="最重的等级 · that of the severest")
    count: int = strawberry.field(description="预警数 · how many findings stand there")
    since: DateTime = strawberry.field(description="最早发现 · when the oldest of them was found")
    newest: DateTime = strawberry.field(description="最近发现 · when the newest of them was found")
    findings: list[t.Finding] = strawberry.field(
        description="重者在前,至多 50 项 · the severest first, 50 at most"
    )


@strawberry.type(description="一批来文 · a file, a sheet or a bundle of pushes, as received")
class FeedBatch:
    id: str
    received_at: DateTime
    rows: int
    rejected: int | None = strawberry.field(
        description="未入库的行;尚未校验则为空 · rows kept out; null until they are checked"
    )
    state: str = strawberry.field(description="received, held, retracted, purged")


@strawberry.type(
    description="数据源状况 · how a feed does: what came last, what waits, how far behind the graph is"
)
class FeedState:
    feed: str
    zh: str
    en: str
    department: str
    last_batch: FeedBatch | None
    rows: int = strawberry.field(description="收到并留存的行 · rows received, as far as they are kept")
    quarantined: int = strawberry.field(description="未入库的行 · rows kept out")
    unplaced: int = strawberry.field(
        description="地址未落位的记录 · records whose address names no sure place"
    )
    waiting_rows: int = strawberry.field(
        description="已收未入图的行 · rows received that are not in the graph yet"
    )
    lag_seconds: float = strawberry.field(
        description="其中最早者已等的秒数 · seconds that the oldest of them has waited"
    )
    rhythm: str | None = strawberry.field(description="约定的报送周期 · how often it should come")
    overdue: bool | None = strawberry.field(
        description="是否逾期;无周期或从未报送则为空 · whether it should have come by now; null without a rhythm, or before it first came"
    )


@strawberry.type
class NearbyEdge:
    cursor: str
    node: t.Address
    metres: float = strawberry.field(description="距离(米) · distance in metres")


@strawberry.type(description="周边地址,由近及远 · addresses around one, the nearest first")
class NearbyConnection:
    edges: list[NearbyEdge]
    page_info: PageInfo


@strawberry.type(
    description="两日之间的变化:from 日终与 to 日终相比 · what changed from the end of one day to the end of another"
)
class AddressDiff:
    from_: Date = strawberry.field(name="from")
    to: Date

    @strawberry.field(description="该地址 · the place")  # type: ignore[untyped-decorator]
    def address(self: Any, info: Info) -> t.Address:
        return t.picked(self, info)  # type: ignore[no-any-return]

    @strawberry.field(description="迁入者 · who lives there now and did not then")  # type: ignore[untyped-decorator]
    def moved_in(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.PersonConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="迁出者 · who lived there then and does not now")  # type: ignore[untyped-decorator]
    def moved_out(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.PersonConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="新增房屋 · houses that are new there")  # type: ignore[untyped-decorator]
    def houses_new(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.HouseConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="注销房屋 · houses that are no longer there")  # type: ignore[untyped-decorator]
    def houses_gone(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.HouseConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="新设企业 · enterprises founded meanwhile")  # type: ignore[untyped-decorator]
    def opened(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.EnterpriseConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="注销企业 · enterprises closed meanwhile")  # type: ignore[untyped-decorator]
    def closed(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.EnterpriseConnection:
        return t.paged(self, info, after)

    @strawberry.field(description="其间发生的事件,新者在前 · what happened meanwhile, the newest first")  # type: ignore[untyped-decorator]
    def incidents(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.IncidentConnection:
        return t.paged(self, info, after)

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="设立、撤销、更名、变更编码的地址 · places that began, ended, or got another name or code"
    )
    def places(self: Any, info: Info, first: int = 20, after: str | None = None) -> t.AddressConnection:
        return t.paged(self, info, after)


RepeatConnection: Any = make_connection("Repeat", Repeat, MODULE)
FindingCaseConnection: Any = make_connection("FindingCase", FindingCase, MODULE)
RelapseConnection: Any = make_connection("Relapse", Relapse, MODULE)


@strawberry.type
class HitEdge:
    cursor: str
    node: t.Entity
    score: float


@strawberry.type
class HitConnection:
    edges: list[HitEdge]
    page_info: PageInfo
    total_count: Count


@strawberry.type
class SearchGroup:
    kind: Kind
    hits: HitConnection


@strawberry.type(
    description="检索结果 · hits by kind, best first; `understood` names what the text has the form of"
)
class SearchResult:
    understood: list[str]
    resolution: Resolution | None = strawberry.field(
        description="所述地点;本服务没有地址库则为空 · the place that the text names; null where this server has no ledger"
    )
    groups: list[SearchGroup]


@strawberry.type(description="关系 · a relationship, pointing as it reads")
class Link:
    id: strawberry.ID
    type: str
    zh: str
    en: str
    start: strawberry.ID
    end: strawberry.ID
    since: Date | None
    until: Date | None
    confidence: float

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="出处 · who says so; and who, in its stead, names another place"
    )
    async def why(self: Any, info: Info) -> list[Fact]:
        from schema.explain import explain_link

        return await explain_link(info.context, self["start"], self["type"], self["end"])  # type: ignore[return-value]


@strawberry.enum(description="导出格式 · what a subgraph is written as")
class ExportFormat(Enum):
    GRAPHML = strawberry.enum_value("GRAPHML", description="yEd, Gephi, Cytoscape")
    NODE_LINK = strawberry.enum_value("NODE_LINK", description="JSON, networkx, D3")
    CSV = strawberry.enum_value("CSV", description="表格,一行一条关系 · a line a relationship")


@strawberry.type(description="节点的中介度 · how much of the ways between others a node lies on")
class NodeCentrality:
    id: strawberry.ID
    betweenness: float = strawberry.field(
        description="子图内最短路径经过它的比例 · share of the subgraph's shortest ways, 0 to 1"
    )


@strawberry.type(
    description="子图的结构;只就所取的这张子图而言,与全区无关 · what the subgraph is like by itself, as it was fetched and cut; it says nothing of the district, and no score of anybody"
)
class SubgraphAnalysis:
    components: int = strawberry.field(description="互不相连的部分数 · parts that do not hang together")
    bridges: list[list[strawberry.ID]] = strawberry.field(
        description="桥:两端 · pairs of ids whose only joint holds two parts together"
    )
    cut_points: list[strawberry.ID] = strawberry.field(description="割点 · without which parts fall apart")
    central: list[NodeCentrality] = strawberry.field(
        description="中介度高者在前,至多 20 个 · the most between first"
    )
    communities: list[list[strawberry.ID]] = strawberry.field(
        description="内部联系较密的群组(Louvain) · joined more among each other than with the rest, the largest first"
    )


@strawberry.type(description="子图 · nodes and links for drawing, and what was cut")
class Subgraph:
    nodes: list[t.Entity]
    links: list[Link]
    cut: list[Cut]

    @strawberry.field(description="结构 · bridges, centrality and communities, of this subgraph alone")  # type: ignore[untyped-decorator]
    async def analysis(self: Any, info: Info) -> SubgraphAnalysis:
        return await exploring.analysis(self, info)  # type: ignore[return-value]

    @strawberry.field(description="导出 · the subgraph as a text for other tools")  # type: ignore[untyped-decorator]
    async def export(self: Any, info: Info, format: ExportFormat) -> str:
        return await exploring.export(self, info, format.name)


@strawberry.type(description="路径 · one way from one end to the other")
class Path:
    length: int
    sentence: str
    node_ids: list[strawberry.ID]
    link_ids: list[strawberry.ID]
    confidence: float
    since: Date | None = strawberry.field(
        description="各段同时成立的首日(问 during 时),可早于 during;始于何时不详为空 · where `during` was asked for: the first day on which all of it held, which may be before it; null where that is open"
    )
    until: Date | None = strawberry.field(
        description="自此日起不再同时成立,至今仍成立为空 · the day from which it no longer did; null where it still does"
    )


@strawberry.type(description="路径结果;无路径时也说明已查到的深度 · paths, and how deep was searched")
class PathResult:
    paths: list[Path]
    searched_depth: int
    sentence: str
    graph: Subgraph
    cut: list[Cut]


@strawberry.type(description="共同关联 · what at least two of the things asked about are bound to")
class CommonConnection:
    node: t.Entity | None
    of: list[strawberry.ID] = strawberry.field(description="其中哪些与之有关 · which of them")
    sentence: str


@strawberry.type(description="共同关联及其子图 · what several things have in common, and a graph of it")
class CommonConnections:
    connections: list[CommonConnection] = strawberry.field(
        description="关联者多的在前 · what most of them are bound to first"
    )
    graph: Subgraph


@strawberry.type(description="被波及的企业 · an enterprise that is called upon")
class ReachedEnterprise:
    enterprise: t.Enterprise | None
    step: int = strawberry.field(description="经几层担保 · how many guarantees away")
    amount: float | None = strawberry.field(
        description="为更近一层者担保的金额(万元) · what it guarantees of those a step nearer, 10,000 yuan"
    )
    through: list[strawberry.ID] = strawberry.field(description="为谁担保 · of which of these")


@strawberry.type(
    description="一家企业倒下会波及谁:为其担保者,及为担保者担保者 · whom it reaches when an enterprise fails: whoever guarantees its debts, and whoever guarantees theirs"
)
class Impact:
    reached: list[ReachedEnterprise] = strawberry.field(description="近者在前 · the nearest first")
    workers: int = strawberry.field(
        description="其与被波及企业现有的从业人员 · people who work for it or one that is reached"
    )
    prepaid: float | None = strawberry.field(
        description="其预付卡余额(万元) · what customers have left on its cards, 10,000 yuan"
    )
    graph: Subgraph


@strawberry.type(
    description="时间线上的一件事 · something that happened, or a relationship that began or ended"
)
class TimelineEvent:
    at: str = strawberry.field(description="日期或时刻 · an ISO day or moment")
    what: TimelineWhat
    one: t.Entity | None = strawberry.field(description="所问者 · the one of those asked about")
    other: t.Entity | None = strawberry.field(description="与之有关者 · what it has to do with")
    link: Link
    sentence: str


TimelineEventConnection: Any = make_connection("TimelineEvent", TimelineEvent, MODULE)


@strawberry.type(
    description="相似事件 · an incident that is like another, how much and in what, and how long it took"
)
class SimilarIncident:
    incident: t.Incident | None
    score: float = strawberry.field(description="相似度 0–1 · how alike, 0 to 1; it decides nothing")
    reasons: list[Alike]
    words: float = strawberry.field(description="文字相近程度 0–1 · how alike their texts are")
    days: int | None = strawberry.field(
        description="办结用时(天);未结或办结时间不详为空 · days until it was closed; null while it is open, and where the day is not known"
    )
    sentence: str


SimilarIncidentConnection: Any = make_connection("SimilarIncident", SimilarIncident, MODULE)
