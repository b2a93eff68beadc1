"""What may be changed over GraphQL: judgements of links and findings, which place a text names, and which traces stand."""

from __future__ import annotations

import strawberry

from schema import findings, links, resolution, trials
from schema.findings import JudgeFindingResult, Verdict
from schema.links import JudgeResult
from schema.resolution import PickResult
from schema.scalars import AddressCode
from schema.terms import Info
from schema.trials import PublishTraceResult, WithdrawTraceResult


@strawberry.type
class Mutation:
    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="判定两者是否同一;后判代替前判,图随后更新 · judge a link: a later judgement replaces an earlier"
    )
    async def judge_link(self, info: Info, id: strawberry.ID, same: bool, reason: str) -> JudgeResult:
        return await links.judge(info, str(id), same, reason)  # type: ignore[return-value]

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="判定预警;revision 须为所见者,他人已先处理则返回现状;days:判为不属实时,多少天内不再就此预警 · judge a finding, as you saw it; "
        "`days`: how long nothing more is to be found about a dismissed one's subject"
    )
    async def judge_finding(
        self,
        info: Info,
        id: strawberry.ID,
        revision: int,
        verdict: Verdict,
        reason: str,
        days: int | None = None,
    ) -> JudgeFindingResult:
        return await findings.judge(info, str(id), revision, verdict, reason, days)  # type: ignore[return-value]

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="选定文本所指的地点;不给 code 则撤回;此后同一写法皆以此为准 · pick which place a text names; without a code the pick is taken back"
    )
    async def pick_address(
        self, info: Info, text: str, reason: str, code: AddressCode | None = None
    ) -> PickResult:
        return await resolution.pick(info, text, code and str(code), reason)  # type: ignore[return-value]

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="发布模型:declaration 为 YAML 声明;成为该名模型的下一版本,此前的预警仍属其版本 · have a declared trace stand, as the next version of its name"
    )
    async def publish_trace(self, info: Info, declaration: str) -> PublishTraceResult:
        return await trials.published(info, declaration)  # type: ignore[return-value]

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="撤回已发布的模型 · take back what was published of a trace"
    )
    async def withdraw_trace(self, info: Info, name: str) -> WithdrawTraceResult:
        return await trials.withdrawn(info, name)  # type: ignore[return-value]
