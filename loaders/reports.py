"""What the reports of several departments make of the one incident that they report. Part of the fold: pure, free of order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ontology.terms import CLOSED_STATES, reported_as

Props = dict[str, Any]
# What the first report says of an incident is what it is known by.
FIRST_SAYS = ("number", "title", "kind", "category", "summary", "occurred_at")
STEPS = ("step_at", "step_to", "step_by")
SEPARATOR = "|"


def of_reports(values: Props, reports: Sequence[Props]) -> Props:
    """The values of an incident that several reports tell of.

    It is what the first report says it is, since it happened then; it goes through the steps of all of them; and it is
    closed when all of them are.

    Args:
        values: those that the fold would choose among all.
        reports: the values that each report gives, one for each number.

    Returns:
        The values, with `numbers` and the parallel lists `report_kind`, `report_category`, `report_at`, the earliest
        report first; and `reported_as`, by which they are found.
    """
    told = sorted(reports, key=lambda r: (r.get("occurred_at", "~"), r["number"]))
    made = dict(values)
    for field in FIRST_SAYS:
        said = next((r[field] for r in told if field in r), None)
        if said is not None:
            made[field] = said
    steps = sorted(
        (at, n, to, by)
        for n, r in enumerate(told)
        for at, to, by in zip(*(r.get(name, ()) for name in STEPS), strict=False)
    )
    if steps:
        made |= {
            "step_at": [s[0] for s in steps],
            "step_to": [s[2] for s in steps],
            "step_by": [s[3] for s in steps],
        }
    made.pop("closed_at", None)
    running = [r for r in told if not _closed(r)]
    last = running[-1] if running else max(told, key=lambda r: (r.get("closed_at", ""), r["number"]))
    for field in ("state", "closed_at"):
        if field in last:
            made[field] = last[field]
    made["numbers"] = SEPARATOR + "".join(r["number"] + SEPARATOR for r in told)
    for field, of in (("report_kind", "kind"), ("report_category", "category"), ("report_at", "occurred_at")):
        made[field] = [r.get(of, "") for r in told]
    made["reported_as"] = reported_as(made["report_kind"], made["report_category"])
    return made


def _closed(report: Props) -> bool:
    return "closed_at" in report or report.get("state") in CLOSED_STATES
