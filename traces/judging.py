"""What a person says of a finding: kept in the ledger's log, never over the head of somebody who was quicker."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from ledger import Finding, FindingLog
from ontology.clock import Clock
from ontology.errors import UsageError

VERDICTS: Final = ("taken", "checking", "confirmed", "dismissed", "unsure")
MOST_DAYS: Final = 730
MOST_REASON: Final = 500


class ConflictError(Exception):
    """Somebody else has changed the finding meanwhile.

    Attributes:
        current: what it is now.
    """

    def __init__(self, current: Finding) -> None:
        super().__init__(current.id)
        self.current = current


def judge(
    log: FindingLog,
    clock: Clock,
    id: str,
    verdict: str,
    reason: str,
    by: str,
    revision: int | None = None,
    days: int | None = None,
) -> Finding:
    """Keeps a verdict; durable when it returns. The graph follows when findings are next looked at.

    Args:
        verdict: one of `VERDICTS`.
        by: who says so.
        revision: that of the finding which was judged; the one that stands now when None.
        days: of a dismissal: for how many nothing is to be found about the subject.

    Returns:
        The finding as judged.

    Raises:
        UsageError: NOT_FOUND; BAD_ARGUMENT for a verdict, a reason or days that cannot be, or a finding that is now part of another.
        ConflictError: the finding is no longer at that revision.
    """
    if verdict not in VERDICTS:
        raise UsageError("BAD_ARGUMENT", f"没有判定 {verdict[:40]}", f"{verdict[:40]!r} is no verdict")
    if days is not None and verdict != "dismissed":
        raise UsageError("BAD_ARGUMENT", "天数仅用于不属实", "days go with a dismissal")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise UsageError(
            "BAD_ARGUMENT", f"天数须为 1 到 {MOST_DAYS}", f"days must be 1 to {MOST_DAYS}, not {days}"
        )
    reason = reason.strip()
    if not 1 <= len(reason) <= MOST_REASON:
        raise UsageError(
            "BAD_ARGUMENT",
            f"理由须为 1 到 {MOST_REASON} 个字",
            f"the reason must have 1 to {MOST_REASON} characters",
        )
    held = log.get(id)
    if held is None:
        raise UsageError("NOT_FOUND", "查无此预警", "there is no such finding, or not for you")
    if revision is not None and held.revision != revision:
        raise ConflictError(held)
    if held.merged_into is not None:
        raise UsageError(
            "BAD_ARGUMENT",
            f"已并入 {held.merged_into}",
            f"it has become part of {held.merged_into}: judge that",
        )
    now = clock.now_text()
    judged = replace(
        held,
        verdict=verdict,
        reason=reason,
        judge=by,
        judged_at=now,
        changed_at=now,
        revision=held.revision + 1,
    )
    if verdict == "dismissed":
        judged = replace(judged, state=verdict, closed_at=now)
    elif held.state != "cleared":
        # What has closed by itself stays so: it is judged for the trace's precision.
        judged = replace(judged, state=verdict, closed_at=None)
    until = (clock.today() + timedelta(days=days)).isoformat() if days is not None else None
    current = log.judge(id, held.revision, judged, now, until)
    if current is not None:
        raise ConflictError(current)
    return judged


class FindingJudging:
    """Takes judgements for a server. Safe to use from several threads.

    Args:
        lock: held by whoever uses the log's ledger.
    """

    def __init__(self, log: FindingLog, clock: Clock, lock: AbstractContextManager[object]) -> None:
        self._log = log
        self._clock = clock
        self._lock = lock

    def judge(self, id: str, verdict: str, reason: str, by: str, revision: int, days: int | None) -> Finding:
        """As `judge`."""
        with self._lock:
            return judge(self._log, self._clock, id, verdict, reason, by, revision, days)
