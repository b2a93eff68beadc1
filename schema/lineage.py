"""What an address tells of itself through time: the changes that it went through, and its names.

Made of the lists that the fold keeps with it (`loaders.eras`); nothing here asks the database.
"""

from __future__ import annotations

from typing import Any

from schema.terms import Info, as_term

Plain = dict[str, Any]


def changes(a: Plain, info: Info) -> list[Plain]:
    """All changes of a place, the oldest first: how it began, each code and name that it gave up, how it ended."""
    found = []
    codes = [*_list(a, "era_codes"), a.get("_now")]
    if a.get("begun_by"):
        found.append(
            _change(
                info, a["begun_by"], a.get("begun_on"), _seen(info, a, _list(a, "predecessors")), codes[:1]
            )
        )
    for i, (kind, on) in enumerate(zip(_list(a, "era_kinds"), _list(a, "era_until"), strict=True)):
        found.append(_change(info, kind, on, [codes[i]], [codes[i + 1]]))
    if a.get("ended_by"):
        found.append(
            _change(
                info, a["ended_by"], a.get("ended_on"), codes[-1:], _seen(info, a, _list(a, "successors"))
            )
        )
    return found


def last_change(a: Plain, info: Info) -> Plain | None:
    """The change that led from the code asked with to this place; without one the last up to the day asked about."""
    told: Plain | None = a.get("_through")
    if told is not None:
        return _change(
            info,
            told["kind"],
            told["on"],
            _seen(info, a, told["predecessors"], told["asked"]),
            told["successors"],
        )
    every = changes(a, info)
    asked = a.get("_asked")
    if asked is not None:
        through = [c for c in every if asked in (*c["predecessors"], *c["successors"])]
        if through:
            return through[-1] if asked in through[-1]["predecessors"] else through[0]
    day = str(a.get("_as_of") or info.context.clock.today_text())
    past = [c for c in every if (c["on"] or "") <= day]
    return past[-1] if past else None


def names(a: Plain, info: Info) -> list[Plain]:
    """The names of a place: the official one, those that departments know, those of its own past, and other aliases."""
    found: list[Plain] = []
    if a.get("name"):
        since = (
            _list(a, "era_until")[-1]
            if _list(a, "era_until") and _list(a, "era_names")[-1] != a["name"]
            else None
        )
        found.append(_name(info, a["name"], "official", since, None, None))
    before = None
    for name, until in zip(_list(a, "era_names"), _list(a, "era_until"), strict=True):
        if name and name != a.get("name"):
            found.append(_name(info, name, "former", before, until, None))
        before = until
    columns = [_list(a, c) for c in ("name_texts", "name_kinds", "name_since", "name_until", "name_feeds")]
    told = list(zip(*columns, strict=True))
    if found and not found[0]["since"] and any(x[0] == a["name"] and x[1] == "official" for x in told):
        # A feed says the same, and since when.
        del found[0]
    for name, kind, begun, until, feed in told:
        found.append(_name(info, name, kind or "everyday", begun, until, feed))
    # An alias may be one of these names with those of the places above.
    known = tuple(n["name"] for n in found)
    found += [
        _name(info, x, "everyday", None, None, None) for x in _list(a, "aliases") if not x.endswith(known)
    ]
    return found


def _list(a: Plain, name: str) -> list[Any]:
    return a.get(name) or []


def _name(info: Info, name: str, kind: str, since: str | None, until: str | None, feed: str | None) -> Plain:
    return {
        "name": name, "kind": as_term(info, "name_kind", kind), "since": since or None, "until": until or None, "source": feed,
    }  # fmt: skip


def _change(info: Info, kind: str, on: str | None, before: list[str], after: list[str]) -> Plain:
    return {
        "kind": as_term(info, "succession_kind", kind), "on": on or None,
        "predecessors": [c for c in before if c], "successors": [c for c in after if c],
    }  # fmt: skip


def _seen(info: Info, a: Plain, codes: list[str], *own: str) -> list[str]:
    """Those of the codes that the viewer may know of: of places within their area, and of this place itself."""
    area = info.context.viewer.area
    mine = {a.get("_now"), *_list(a, "era_codes"), *own}
    return [c for c in codes if area is None or c.startswith(area) or c in mine]
