"""What changed in a place between two days: who came and left, what opened and closed, what happened, what places changed.

Statements: one. It compares what was so at the end of one day with what was so at the end of the other; whoever came and left in
between shows in neither. Lists are paged, and walk the index on the place, or for the whole district that on the day; their counts look at
no more than the budget.
"""

from __future__ import annotations

from graph.compile import Compiler, Page, Place, where_all
from graph.selection import Selected
from graph.validity import bounded

LISTS = ("moved_in", "moved_out", "houses_new", "houses_gone", "opened", "closed", "incidents", "places")


def statement(compiler: Compiler, code: str, selected: Selected, place: Place) -> str:
    """One row: the lists that are selected, by slot. Parameters beside the compiler's: `$from` and `$as_of`, the later day."""
    a = compiler.variable("a")
    compiler.hold(a, place)
    parts = ["_t: 'AddressDiff'", f"id: {a}.id"]
    for chosen in compiler.selections.of(selected):
        if chosen.name in LISTS:
            parts.append(f"`{chosen.slot}`: {_list(compiler, chosen.name, a, chosen)}")
        elif chosen.name == "address":
            parts.append(f"`{chosen.slot}`: {compiler.node('Address', a, chosen, place)}")
    conditions = [f"{a}.code = {compiler.parameter(code)}", *compiler.visible("Address", a)]
    return f"MATCH ({a}:Address){where_all(conditions)} RETURN {{{', '.join(parts)}}} AS found"


def _list(c: Compiler, name: str, a: str, s: Selected) -> str:
    page = {"moved_in": _moved, "moved_out": _moved, "houses_new": _houses, "houses_gone": _houses}.get(name)
    if page is not None:
        return c.page(page(c, a, s, name in ("moved_in", "houses_new")), s)
    if name in ("opened", "closed"):
        return c.page(_enterprises(c, a, s, name == "opened"), s)
    if name == "incidents":
        return c.page(_incidents(c, a, s), s)
    return c.page(_places(c, a, s), s, place=Place("tree"))


def _began(r: str) -> str:
    return f"{r}.since > $from AND {r}.since <= $as_of"


def _ended(r: str) -> str:
    return f"{r}.until > $from AND {r}.until <= $as_of"


def _moved(c: Compiler, a: str, s: Selected, came: bool) -> Page:
    """Who lived in the place on one of the days and not on the other."""
    page = c.lived(a)
    r, q = page.link, c.variable("q")
    this, other = ("$as_of", "$from") if came else ("$from", "$as_of")
    elsewhere = f"NOT EXISTS {{ MATCH ({page.variable})-[{q}:LIVES_AT]->() WHERE {c.inside(q, a)} AND {bounded(q, other)} }}"
    page.when = [_began(r) if came else _ended(r), bounded(r, this), elsewhere]
    if c.is_district(a):
        lead = "since" if came else "until"
        page.match, page.where = (
            f"({page.variable}:Person)-[{r}:LIVES_AT]->(:Address)",
            [_within(r, lead), f"{r}.who IS NOT NULL"],
        )
        page.when = [c.inside(r, a), bounded(r, this), elsewhere]
        page.order, page.name = [f"{r}.{lead}", f"{r}.who"], f"moved {lead}"
        page.hint = f" USING INDEX {r}:LIVES_AT({lead}, who)"
    # Somebody with two new homes in the area is shown at the first of them.
    again, lead = c.variable("q"), page.order[0].partition(".")[2]
    page.once = [
        f"NOT EXISTS {{ MATCH ({page.variable})-[{again}:LIVES_AT]->() WHERE {c.inside(again, a)} AND {bounded(again, this)} "
        f"AND ({again}.{lead} < {r}.{lead} OR ({again}.{lead} = {r}.{lead} AND elementId({again}) < elementId({r}))) }}"
    ]
    return page


def _within(x: str, field: str) -> str:
    return f"{x}.{field} > $from AND {x}.{field} <= $as_of"


def _houses(c: Compiler, a: str, s: Selected, new: bool) -> Page:
    page = c.standing("House", a, s)
    r = c.variable("r")
    if c.is_district(a):
        x, q, lead = page.variable, c.variable("q"), "since" if new else "until"
        page.match, page.where = f"({x}:House)-[{r}:AT]->(:Address)", [_within(r, lead)]
        page.when, page.hint = [c.inside(x, a)], f" USING INDEX {r}:AT({lead})"
        page.order, page.name = [f"{r}.{lead}", f"{x}.id"], f"houses {lead}"
        page.once = [
            f"NOT EXISTS {{ MATCH ({x})-[{q}:AT]->() WHERE {_within(q, lead)} "
            f"AND ({q}.{lead} < {r}.{lead} OR ({q}.{lead} = {r}.{lead} AND elementId({q}) < elementId({r}))) }}"
        ]
        return page
    page.when.append(
        f"EXISTS {{ MATCH ({page.variable})-[{r}:AT]->() WHERE {_began(r) if new else _ended(r)} }}"
    )
    return page


def _enterprises(c: Compiler, a: str, s: Selected, opened: bool) -> Page:
    page = c.standing("Enterprise", a, s)
    x, field = page.variable, "founded" if opened else "closed"
    if c.is_district(a):
        page.match, page.where = f"({x}:Enterprise)", [_within(x, field), f"{x}.id IS NOT NULL"]
        page.when, page.hint = [c.inside(x, a)], f" USING INDEX {x}:Enterprise({field}, id)"
        page.order, page.name = [f"{x}.{field}", f"{x}.id"], field
        return page
    page.when.append(_within(x, field))
    return page


def _incidents(c: Compiler, a: str, s: Selected) -> Page:
    page = c.happened(a, s)
    page.when.append(f"{page.variable}.occurred_at > $from_end")
    # The roll-up counts all that ever happened there.
    page.total = None
    return page


def _places(c: Compiler, a: str, s: Selected) -> Page:
    """Places that began, ended, or got another code or name."""
    page = c.standing("Address", a, s)
    x = page.variable
    page.when = [
        f"({_began(x)} OR {_ended(x)} OR ({x}.ended_on > $from AND {x}.ended_on <= $as_of) "
        f"OR ANY(d IN coalesce({x}.era_until, []) WHERE d > $from AND d <= $as_of))"
    ]
    if c.is_district(a):
        found = " UNION ".join(
            f"MATCH ({x}:Address) USING INDEX {x}:Address({field}, id) WHERE {condition} AND {x}.id IS NOT NULL RETURN {x}"
            for field, condition in (
                ("since", _within(x, "since")), ("until", _within(x, "until")), ("ended_on", _within(x, "ended_on")),
                ("era_until", f"{x}.era_until IS NOT NULL"),
            )
        )  # fmt: skip
        page.match, page.where, page.hint = f"({a}) CALL () {{ {found} }} WITH *", [f"{x}.id IS NOT NULL"], ""
        page.when.append(c.inside(x, a))
    return page
