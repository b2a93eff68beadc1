"""What may be changed over GraphQL: judgements of links and findings, and which place a text names."""

from __future__ import annotations

import strawberry

from schema import findings, links, resolution
from schema.findings import JudgeFindingResult, Verdict
from schema.links import JudgeResult
from schema.resolution import PickResult
from schema.scalars import AddressCode
from schema.terms import Info


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
