"""How well traces find what the seeder's answer key says: every true case, planted or accidental, by the records that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ontology import ONTOLOGY
from ontology.errors import UsageError
from traces.declaration import Trace
from traces.evaluate import Match
from traces.runner import AT_ONCE, Runner

# Under which field of a label the feeds' own keys stand.
_KEYS = {"Device": "did", "Enterprise": "uscc", "Vehicle": "plate"}


async def score(runner: Runner, trace: Trace, truth: Path) -> dict[str, Any] | None:
    """Precision and recall of a trace over the whole district; None where the answer key has no list for it.

    Args:
        truth: the `truth/` directory that `quanxi seed` wrote.

    Returns:
        precision, recall (1.0 when there is nothing to find), true, found, missing, extra (ten of each), near and near_found: how many
        records look alike and are none, and how many of them were found all the same; and `earlier`, the
        precision of the way it was looked for before where the trace declares one.

    Raises:
        UsageError: BAD_FILE when `truth` is no answer key.
    """
    if trace.planted is None:
        return None
    told = await _scored(runner, trace, truth)
    if trace.planted.earlier is not None:
        before = await _scored(runner, trace.looking_for(trace.planted.earlier), truth)
        told["earlier"] = before["precision"]
    return told


async def _scored(runner: Runner, trace: Trace, truth: Path) -> dict[str, Any]:
    assert trace.planted is not None
    results = await runner.whole(trace, trace.planted.values)
    now = trace.planted.standing
    matches = [m for r in results.values() for e in r.episodes if e.open or not now for m in e.matches]
    kinds = set(trace.planted.kinds) or {k for t in trace.selections for k in t.kinds}
    by = {trace.planted.of: trace.planted.by} if trace.planted.of and trace.planted.by else {}
    names = await _names(runner, {i for m in matches for i in m.ids}, kinds, _KEYS | by)
    kind, _, part = trace.planted.key.partition("/")
    near = set(_near(truth).get(kind if kind in ("repeats", "relapses") else trace.planted.key, ()))
    if kind == "repeats":
        expected = {frozenset(x["incidents"]) for x in _read(truth, "repeats.json") if x["by"] == part}
        found = {frozenset(n for i in m.ids for n in names.get(i, ())) for m in matches}
        return _compared(expected, found, near)
    if kind == "relapses":
        pairs = {(x["earlier"], x["later"]) for x in _read(truth, "relapses.json")}
        return _compared(pairs, {_pair(m, names) for m in matches}, near)
    listed = _read(truth, "planted.json").get(trace.planted.key, [])
    of = trace.planted.of
    shown = {i for m in matches for i in m.ids if ONTOLOGY.label_of(i) == of}
    return _compared({(n,) for n in listed}, {(n,) for i in shown for n in names.get(i, ())}, near)


def _pair(match: Match, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(names.get(i, ("",))[0] for i in match.ids)


async def _names(
    runner: Runner, ids: set[str], kinds: set[str], keys: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """The feeds' own keys of nodes; of an incident of several reports, of each that is of the kinds."""
    found: dict[str, tuple[str, ...]] = {}
    for label in sorted({ONTOLOGY.label_of(i) or "" for i in ids}):
        fields = ONTOLOGY.entities[label].fields()
        key = keys.get(label, "number")
        if key not in fields:
            continue
        incident = label == "Incident"
        reports = (
            "CASE WHEN n.numbers IS NULL THEN [[n.number, n.kind, n.category]] ELSE "
            "[i IN range(0, size(n.report_kind) - 1) | [split(substring(n.numbers, 1), '|')[i], n.report_kind[i], n.report_category[i]]] END"
            if incident
            else f"[[n.{key}, null, null]]"
        )
        of = sorted(i for i in ids if ONTOLOGY.label_of(i) == label)
        for start in range(0, len(of), AT_ONCE):
            rows = await runner.store.read(
                f"MATCH (n:{label}) WHERE n.id IN $ids RETURN [n.id, {reports}]",
                {"ids": of[start : start + AT_ONCE]},
            )
            for id, each in rows:
                found[id] = tuple(
                    str(number)
                    for number, kind, category in each
                    if not incident or not kinds or kind in kinds or category in kinds
                )
    return found


def _read(truth: Path, name: str) -> Any:
    try:
        return json.loads((truth / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(
            "BAD_FILE",
            f"{truth} 不是答案目录",
            f"{truth} has no {name} that can be read",
            "Give the truth/ directory that `quanxi seed` wrote.",
        ) from None


def _near(truth: Path) -> dict[str, list[str]]:
    """Near misses by list; none in the answer keys of a drawn district."""
    if not (truth / "near_misses.json").is_file():
        return {}
    found: dict[str, list[str]] = _read(truth, "near_misses.json")
    return found


def _compared(truth: set[Any], found: set[Any], near: set[str]) -> dict[str, Any]:
    hits = truth & found
    near = near - {n for item in truth for n in item}

    def told(items: Iterable[Any]) -> list[list[str]]:
        return sorted(sorted(i) for i in items)[:10]

    return {
        "precision": len(hits) / len(found) if found else (0.0 if truth else 1.0),
        "recall": len(hits) / len(truth) if truth else 1.0,
        "true": len(truth), "found": len(found), "missing": told(truth - found), "extra": told(found - truth),
        "near": len(near), "near_found": len(near & {n for item in found - truth for n in item}),
    }  # fmt: skip
