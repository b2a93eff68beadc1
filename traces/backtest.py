"""A trace tried on the past: what it would have found from week to week, what other traces had of it, what people had said.

It looks at the graph as of each day and carries findings from one look to the next as the standing traces do. What a record says
without a day (a state, a flag) is what it says now: the graph does not know what was known then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from ledger import Finding, FindingLog
from ontology.errors import UsageError
from traces.declaration import Trace
from traces.findings import reconcile
from traces.runner import Runner

MOST_LOOKS = 800


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the district.

    Attributes:
        day: ISO day.
        found, returned, cleared: findings that were new, that came back, that closed since the look before.
        standing: that stood on the day.
    """

    day: str
    found: int
    returned: int
    cleared: int
    standing: int


@dataclass(slots=True)
class Backtest:
    """What a trace would have done.

    Attributes:
        looks: oldest first; what stood at the first was there before, and counts as found by none.
        found: the findings after the first look.
        shared: other trace → of these, how many share what shows them with a finding of it.
        confirmed, dismissed: of the district's judged findings of this trace, those that share evidence with what was found, or stood at the first look.
        missed: of its confirmed ones that last until these days, those that would not have been found.
    """

    trace: str
    looks: list[Look] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0
    dismissed: int = 0
    missed: int = 0

    @property
    def per_week(self) -> float:
        """New and returned findings a week; 0 for a single look."""
        if len(self.looks) < 2:
            return 0.0
        days = (date.fromisoformat(self.looks[-1].day) - date.fromisoformat(self.looks[0].day)).days
        return 7 * len(self.found) / days

    @property
    def precision(self) -> float | None:
        """Of those that people judged, how many were so; None when none was."""
        judged = self.confirmed + self.dismissed
        return self.confirmed / judged if judged else None


async def backtest(
    runner: Runner,
    trace: Trace,
    since: date,
    until: date,
    every: int = 7,
    values: Mapping[str, int] | None = None,
    log: FindingLog | None = None,
) -> Backtest:
    """Tries a trace on the days from `since` to `until`, looking every so many days; keeps nothing.

    Args:
        values: of the trace's parameters; its defaults where they are not given.
        log: of the district's findings, for what other traces had and people said.

    Raises:
        UsageError: BAD_ARGUMENT for days that do not follow each other, too many looks, or a parameter that cannot be.
    """
    days = (until - since).days
    if days < 0 or every < 1:
        raise UsageError(
            "BAD_ARGUMENT", "起止日期有误", "the days must begin before they end, and looks be a day apart"
        )
    if days // every >= MOST_LOOKS:
        raise UsageError(
            "BAD_ARGUMENT",
            f"至多 {MOST_LOOKS} 次",
            f"at most {MOST_LOOKS} looks: fewer days, or further apart",
        )
    told = Backtest(trace.trace)
    held: dict[str, dict[str, Finding]] = {}
    standing: set[str] = set()
    for day in [since + timedelta(days=n) for n in range(0, days + 1, every)]:
        results = await replace(runner, today=day.isoformat()).whole(trace, values)
        now = f"{day.isoformat()}T00:00:00+08:00"
        counts = dict.fromkeys(("found", "returned", "cleared", "grown", "merged"), 0)
        for subject in sorted(standing | results.keys()):
            known = held.setdefault(subject, {})
            episodes = results[subject].episodes if subject in results else []
            for change in reconcile(trace, subject, known.values(), episodes, now, subject):
                counts[change.change] += 1
                known[change.finding.id] = change.finding
                if change.change in ("found", "returned") and told.looks:
                    told.found.append(change.finding)
        standing = {s for s, known in held.items() if any(f.is_open for f in known.values())}
        stand = sum(f.is_open for s in standing for f in held[s].values())
        told.looks.append(
            Look(day.isoformat(), counts["found"], counts["returned"], counts["cleared"], stand)
        )
    # As they had become by the last look: what grew is shown by more.
    told.found = [held[f.subject][f.id] for f in told.found]
    if log is not None:
        # A log of years is long: other requests of a server go on meanwhile.
        await asyncio.to_thread(_compare, told, held, since, log)
    return told


def _compare(told: Backtest, held: Mapping[str, Mapping[str, Finding]], since: date, log: FindingLog) -> None:
    others: dict[str, set[str]] = {}
    mine = {n for known in held.values() for f in known.values() for n in f.shown_by}
    for f in log.everything():
        if f.trace != told.trace:
            for node in f.shown_by:
                others.setdefault(node, set()).add(f.trace)
        elif f.verdict in ("confirmed", "dismissed"):
            if mine & set(f.shown_by):
                told.confirmed += f.verdict == "confirmed"
                told.dismissed += f.verdict == "dismissed"
            elif f.verdict == "confirmed" and f.last >= since.isoformat():
                told.missed += 1
    for f in told.found:
        for name in {name for node in f.shown_by for name in others.get(node, ())}:
            told.shared[name] = told.shared.get(name, 0) + 1
