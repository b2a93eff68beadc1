"""What has become of places 地址谱系: which codes one place had in turn, what was split, merged or demolished, and when.

A place keeps its identity when it is renumbered, renamed or moved: it has a *line* of codes, one after the other. When it is split,
merged or demolished its line ends, and what it became begins lines of its own. What lies in a place that was renumbered
or moved goes with it: the code of the child changes by its beginning, unless a change says otherwise.

Everything here is a pure function of the set of changes, whatever order they came in.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from addresses.scheme import Scheme
from ontology.clock import OPEN_END
from ontology.errors import UsageError

SAME: Final = frozenset({"renumber", "rename", "move"})
"""Kinds of change through which a place stays the same place."""
MERGED: Final = "+"
"""Between the parts of a place key of what lies in a place that was merged into another and keeps its own code."""
_DEEPEST: Final = 64
# What lies somewhere above the several successors of a place is no longer known more exactly.
SPLIT_CONFIDENCE: Final = 0.8
# Codes of which it is remembered whether a change concerns them.
_KEPT: Final = 65_536


class Change(NamedTuple):
    """One row of changes: one code became another. `new` is None for what is gone; `on` is an ISO day, or "" when unknown."""

    kind: str
    on: str
    old: str | None
    new: str | None
    old_name: str | None = None
    new_name: str | None = None


class Era(NamedTuple):
    """What a place was for a while: [since, until), ended by a change of `kind` ("" for the last). `name` where a change says it."""

    code: str
    since: str | None
    until: str
    name: str | None
    kind: str


class End(NamedTuple):
    """How a line ends, or began: by what kind of change, on which day, and the codes on the other side of it."""

    kind: str
    on: str
    codes: tuple[str, ...]


class Piece(NamedTuple):
    """Where what was recorded at a code lies from `since` until `until`: at the place of the line of `code`.

    Attributes:
        sure: 1 where that is certain, less where the place was split and only what is above its parts is known.
        identity: what stands for that place.
    """

    code: str
    since: str | None
    until: str
    sure: float
    identity: str


class Holder(NamedTuple):
    """One place's time with a code. A code may pass from one place to another, as when the doors of a street are numbered anew.

    Attributes:
        number: which holder of the code it is, from 0.
        came, went: the change by which the place got the code, and by which it got the next one.
        begun, ended: what it was made of, and what it became.
    """

    code: str
    number: int
    since: str | None
    until: str
    came: Change | None = None
    begun: End | None = None
    went: Change | None = None
    ended: End | None = None


class Genealogy:
    """The genealogy of a district's places.

    Where a `day` may be given it says which place is meant by a code that several have had, one after the other; without
    it the last is.

    Args:
        changes: in any order, some of them twice.
    """

    def __init__(self, scheme: Scheme, changes: Iterable[Change] = ()) -> None:
        self.scheme = scheme
        self.changes = tuple(sorted(set(changes), key=lambda c: tuple(x or "" for x in c)))
        # By code and day: the change by which a place gave up, or got, the code; how it ended, or began.
        self._outs: dict[str, dict[str, Change]] = defaultdict(dict)
        self._ins: dict[str, dict[str, Change]] = defaultdict(dict)
        self._ends: dict[str, dict[str, End]] = defaultdict(dict)
        self._begins: dict[str, dict[str, End]] = defaultdict(dict)
        self._renames: dict[str, list[Change]] = defaultdict(list)
        self._holders: dict[str, tuple[Holder, ...]] = {}
        self._concerned: dict[str, bool] = {}
        self._stills: dict[str, bool] = {}
        self._lines: dict[tuple[str, int], tuple[tuple[Holder, ...], tuple[Era, ...]]] = {}
        self._read()

    def _read(self) -> None:
        splits: dict[tuple[str, str], set[str]] = defaultdict(set)
        merges: dict[tuple[str, str], set[str]] = defaultdict(set)
        edges = [c for c in self.changes if c.kind in SAME and c.old and c.new and c.old != c.new]
        nexts, befores = defaultdict(set), defaultdict(set)
        for c in edges:
            nexts[c.old, c.on].add(c.new)
            befores[c.new, c.on].add(c.old)
        for c in self.changes:
            if c.old is None:
                continue
            if c.kind == "demolish":
                self._ends[c.old][c.on] = End(c.kind, c.on, ())
            elif c.kind in SAME and c.new in (None, c.old):
                self._renames[c.old].append(c)
            elif c.new is None:
                continue
            elif c.kind == "merge" or (c.kind in SAME and len(befores[c.new, c.on]) > 1):
                # What several places became on one day is one that they were merged into, whatever it is called.
                merges[c.new, c.on].add(c.old)
            elif c.kind == "split" or (c.kind in SAME and len(nexts[c.old, c.on]) > 1):
                splits[c.old, c.on].add(c.new)
            elif c.kind in SAME:
                self._outs[c.old].setdefault(c.on, c)
                self._ins[c.new].setdefault(c.on, c)
        for (old, on), news in sorted(splits.items()):
            if old not in news:
                self._ends[old][on] = End("split", on, tuple(sorted(news)))
            for new in news - {old}:
                held = self._begins[new].get(on)
                olds = {old, *(held.codes if held is not None else ())}
                self._begins[new][on] = End("split", on, tuple(sorted(olds)))
        for (new, on), olds in sorted(merges.items()):
            for old in olds - {new}:
                self._ends[old][on] = End("merge", on, (new,))
            if new not in olds:
                self._begins[new][on] = End("merge", on, tuple(sorted(olds)))

    def __bool__(self) -> bool:
        return bool(self.changes)

    @cached_property
    def last_day(self) -> str | None:
        """The day of the last change, None when there is none."""
        return max((c.on for c in self.changes if c.on), default=None)

    @cached_property
    def codes(self) -> frozenset[str]:
        """Every code that a change names."""
        return frozenset(x for c in self.changes for x in (c.old, c.new) if x)

    @cached_property
    def _moving(self) -> frozenset[str]:
        """Codes that a place got or gave up: with them those of what lies in it change by their beginning."""
        return frozenset((*self._ins, *self._outs))

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        """How long the codes are that changes name."""
        return tuple(sorted({len(code) for code in self.codes}))

    def concerns(self, code: str) -> bool:
        """Whether a change names a code or a place above it: others are as they always were."""
        if not self.changes:
            return False
        # Those above a place are beginnings of its code: of most it is plain that no change names one.
        codes = self.codes
        for size in self._sizes:
            if code[:size] in codes:
                break
        else:
            return False
        held = self._concerned.get(code)
        if held is None:
            held = code in self.codes or any(a in self.codes for a in self._above(code))
            # Asked many times in turn about one place; of a district's million not all are kept.
            if len(self._concerned) >= _KEPT:
                self._concerned.clear()
            self._concerned[code] = held
        return held

    def still(self, code: str) -> bool:
        """Whether the place of a code has always had it, under one name, and neither came of another nor became one; what it lies
        in may have been renamed, split or merged all the same."""
        if not self.concerns(code):
            return True
        held = self._stills.get(code)
        if held is None:
            held = self._is_still(code)
            if len(self._stills) >= _KEPT:
                self._stills.clear()
            self._stills[code] = held
        return held

    def _is_still(self, code: str) -> bool:
        if code not in self.codes and not any(code[:size] in self._moving for size in self._sizes):
            return True
        found = self.holders(code)
        if len(found) > 1 or found[0] != Holder(code, 0, None, OPEN_END):
            return False
        return self._line(found[0])[1] == (Era(code, None, OPEN_END, None, ""),)

    def touches(self, code: str) -> bool:
        """Whether changes bear on what is kept of the place of a code: its own, and what has left or joined it."""
        return not self.still(code) or (bool(self.changes) and code in self._moves)

    # -- lines ------------------------------------------------------------------------------------------------------

    def holder(self, code: str, day: str | None = None) -> Holder:
        """The place that has a code, or had it on a day."""
        found = self.holders(code)
        if day:
            return next((h for h in reversed(found) if (h.since or "") <= day), found[0])
        return found[-1]

    def reused(self, code: str) -> bool:
        """Whether several places have had a code."""
        return not self.still(code) and len(self.holders(code)) > 1

    def line(self, code: str, day: str | None = None) -> tuple[Era, ...]:
        """What the place of a code was in turn, oldest first; one open era for what never changed."""
        if self.still(code):
            return (Era(code, None, OPEN_END, None, ""),)
        return self._line(self.holder(code, day))[1]

    def identity(self, code: str, day: str | None = None) -> str:
        """What stands for the place of a code, whatever it is called later: its first code, with a day where others had that code before."""
        if self.still(code):
            return code
        first = self._line(self.holder(code, day))[0][0]
        return first.code if first.number == 0 else f"{first.code}@{first.since}"

    def current(self, code: str, day: str | None = None) -> str:
        """The last code of the place of a code."""
        return self.line(code, day)[-1].code

    def ended(self, code: str, day: str | None = None) -> End | None:
        """How the place of a code came to its end, None for what still is."""
        return self._line(self.holder(code, day))[0][-1].ended if not self.still(code) else None

    def begun(self, code: str, day: str | None = None) -> End | None:
        """What the place of a code was made of, None for what was there."""
        return self._line(self.holder(code, day))[0][0].begun if not self.still(code) else None

    def era_of(self, code: str, day: str) -> int:
        """The position in its line of the era in which a place had a code; of several, that of the day (the last when unknown)."""
        line = self.line(code, day)
        having = [i for i, era in enumerate(line) if era.code == code]
        if not having:
            return len(line) - 1
        if day:
            return next((i for i in reversed(having) if (line[i].since or "") <= day), having[0])
        return having[-1]

    # -- where places lie today -------------------------------------------------------------------------------------

    def lying(self, code: str) -> tuple[str, ...]:
        """The codes of the places that one lies in today, top first, and its own: what was merged into another is left out for that.

        What lies in a place that was merged keeps its own code, whose beginning no longer says where it lies.
        """
        if not self.concerns(code):
            return (*self._above(code), code)
        found = [code]
        above: str | None = next(reversed(self._above(code)), None)
        for _ in range(_DEEPEST):
            if above is None:
                break
            end = self.ended(above)
            if end is not None and len(end.codes) == 1 and (later := self.current(end.codes[0])) not in found:
                above = later
                continue
            found.append(above)
            above = next(reversed(self._above(above)), None)
        return tuple(reversed(found))

    def place_key(self, code: str) -> str:
        """The place key of a place of the tree: `Scheme.key`, but for what lies in a place that was merged into another.

        Its key is the key of the other, then the key of what it lay in, then the rest of its own, joined by `MERGED`: so that what lies in a
        place is one range of keys still, and no two places have one key.
        """
        if not self.concerns(code):
            return self.scheme.key(code)
        for above in reversed(self._above(code)):
            end = self.ended(above)
            if end is not None and len(end.codes) == 1:
                later = self.current(end.codes[0])
                if later == above or above in self.lying(later):
                    break
                gone = self.scheme.key(above)
                return MERGED.join((self.place_key(later), gone, self.scheme.key(code)[len(gone) :]))
        return self.scheme.key(code)

    # -- places through time ----------------------------------------------------------------------------------------

    def pieces(self, code: str, day: str | None = None) -> tuple[Piece, ...]:
        """Where what is recorded at a code lies, from when until when: at its place as long as that is, then at what it became."""
        if self.still(code):
            return (Piece(code, None, OPEN_END, 1.0, code),)
        return tuple(self._pieces(code, day, None, 0))

    def _pieces(self, code: str, day: str | None, since: str | None, depth: int) -> Iterable[Piece]:
        here, who, end = self.current(code, day), self.identity(code, day), self.ended(code, day)
        if end is None or not end.codes or depth > _DEEPEST:
            yield Piece(here, since, OPEN_END, 1.0, who)
            return
        if since is None or since < end.on:
            yield Piece(here, since, end.on, 1.0, who)
        later = max(since or "", end.on)
        if len(end.codes) == 1:
            yield from self._pieces(end.codes[0], end.on, later, depth + 1)
            return
        above = self._common({self.current(c, end.on) for c in end.codes})
        if above is not None:
            for piece in self._pieces(above, None, later, depth + 1):
                yield piece._replace(sure=min(piece.sure, SPLIT_CONFIDENCE))
        else:
            yield Piece(here, later, OPEN_END, 1.0, who)

    def moves(self) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """Place → (what has left it, what has joined it), each as `day|place key of today`, sorted.

        By the identity of each place; for what keeps its identity and lies elsewhere than before.
        """
        return self._moves

    @cached_property
    def _moves(self) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        left: dict[str, set[str]] = defaultdict(set)
        joined: dict[str, set[str]] = defaultdict(set)
        lines = {
            h: self._line(h)[1]
            for code in self.codes
            for h in self.holders(code)
            if h.came is None and h.went is not None
        }
        for line in lines.values():
            last = line[-1].code
            if self.scheme.level_of(last) is None or self.scheme.parse(last).independent:
                continue
            key = self.scheme.key(last)
            for before, after in itertools.pairwise(line):
                old = {self.identity(a, day_before(before.until)) for a in self._above(before.code)}
                new = {self.identity(a, before.until) for a in self._above(after.code)}
                for place in old - new:
                    left[place].add(f"{before.until}|{key}")
                for place in new - old:
                    joined[place].add(f"{before.until}|{key}")
        for gone, ends in self._ends.items():
            if self.scheme.level_of(gone) is None or self.scheme.parse(gone).independent:
                continue
            for on, end in ends.items():
                # What lies in it goes on in the other, by keys of its own.
                if len(end.codes) != 1 or self.ended(gone) != end:
                    continue
                key = MERGED.join((self.place_key(self.current(end.codes[0])), self.scheme.key(gone), ""))
                was = {self.identity(a, day_before(on)) for a in (*self._above(gone), gone)}
                now = {self.identity(a, on) for a in (*self._above(end.codes[0]), end.codes[0])}
                for place in was - now:
                    left[place].add(f"{on}|{key}")
                for place in now - was:
                    joined[place].add(f"{on}|{key}")
        return {
            place: (_outermost(left.get(place, set())), _outermost(joined.get(place, set())))
            for place in left.keys() | joined.keys()
        }

    # -- inside -----------------------------------------------------------------------------------------------------

    def _above(self, code: str) -> tuple[str, ...]:
        if self.scheme.level_of(code) is None:
            return ()
        return self.scheme.parse(code).ancestors

    def _common(self, codes: set[str]) -> str | None:
        """The deepest place above all of some codes."""
        chains = [self._above(c) for c in sorted(codes)]
        return next((a for a in reversed(chains[0]) if all(a in chain for chain in chains)), None)

    def _edges(self, code: str, inward: bool) -> dict[str, tuple[Change, int]]:
        """By day: the changes by which places got (`inward`) or gave up a code: its own, and those of what it lies in, with which
        it changes by its beginning, unless it has a change of its own on that day. Each with the length of the code that it is told of."""
        own, other = (self._ins, self._outs) if inward else (self._outs, self._ins)
        found = {on: (change, len(code)) for on, change in own.get(code, {}).items()}
        mine = {*found, *(self._begins if inward else self._ends).get(code, {})}
        for above in reversed(self._above(code)):
            for on, change in own.get(above, {}).items():
                if on in mine or change.old is None or change.new is None:
                    continue
                mine.add(on)
                far = (change.old if inward else change.new) + code[len(above) :]
                stands = self.scheme.level_of(far) is not None
                taken = on in other.get(far, {}) or on in (self._ends if inward else self._begins).get(
                    far, {}
                )
                if stands and not taken:
                    old, new = (far, code) if inward else (code, far)
                    found[on] = change._replace(old=old, new=new, old_name=None, new_name=None), len(above)
        return found

    def holders(self, code: str) -> tuple[Holder, ...]:
        """The places that have had a code, one after the other."""
        held = self._holders.get(code)
        if held is None:
            held = self._holders[code] = tuple(self._held(code))
        return held

    def _held(self, code: str) -> list[Holder]:
        ins, outs = self._edges(code, True), self._edges(code, False)
        begins, ends = self._begins.get(code, {}), self._ends.get(code, {})
        found: list[Holder] = []
        at: Holder | None = None
        sure = 0
        # On one day who gives a code up goes before who gets it.
        for on, comes in sorted({(d, False) for d in (*outs, *ends)} | {(d, True) for d in (*ins, *begins)}):
            if comes:
                came, told = ins.get(on, (None, len(code)))
                if at is not None and told < sure:
                    # That a village moved here says less of one number in it than what is told of that number.
                    continue
                if at is not None and told == sure:
                    found.append(at._replace(until=on))
                begun = begins.get(on) if came is None else None
                at, sure = Holder(code, len(found), on, OPEN_END, came=came, begun=begun), told
            else:
                if at is None:
                    if found:
                        continue
                    at = Holder(code, 0, None, OPEN_END)
                went = outs[on][0] if on in outs else None
                found.append(
                    at._replace(until=on, went=went, ended=None if went is not None else ends.get(on))
                )
                at = None
        if at is not None:
            found.append(at)
        return found or [Holder(code, 0, None, OPEN_END)]

    def _line(self, holder: Holder) -> tuple[tuple[Holder, ...], tuple[Era, ...]]:
        name = holder.code, holder.number
        found = self._lines.get(name)
        if found is None:
            chain = [holder]
            while (came := chain[0].came) is not None and came.old is not None and len(chain) < _DEEPEST:
                before = next((h for h in self.holders(came.old) if h.went == came), None)
                if before is None:
                    break
                chain.insert(0, before)
            while (went := chain[-1].went) is not None and went.new is not None and len(chain) < _DEEPEST:
                after = next((h for h in self.holders(went.new) if h.came == went), None)
                if after is None:
                    break
                chain.append(after)
            found = tuple(chain), tuple(era for h in chain for era in self._named(h))
            for each in chain:
                self._lines[each.code, each.number] = found
        return found

    def _named(self, h: Holder) -> Iterable[Era]:
        """The eras of one holder of a code: it may have been renamed meanwhile."""
        since, name = h.since, h.came.new_name if h.came is not None else None
        for rename in sorted(self._renames.get(h.code, ()), key=lambda c: (c.on, c.new_name or "")):
            if (since or "") < rename.on < h.until:
                yield Era(h.code, since, rename.on, rename.old_name or name, rename.kind)
                since, name = rename.on, rename.new_name
        went = h.went
        yield Era(
            h.code,
            since,
            h.until,
            (went.old_name if went is not None else None) or name,
            went.kind if went is not None else "",
        )


def code_of_key(key: str, scheme: Scheme) -> str:
    """The code of the place that has a place key."""
    parts = key.rsplit(MERGED, 2)
    return "".join(parts[-2:] if len(parts) > 2 else parts).removesuffix(scheme.separator)


def key_at(key: str, width: int) -> str:
    """The part of a place key that is of the level whose codes have a width, in a scheme of fixed widths."""
    parts = key.rsplit(MERGED, 2)
    if len(parts) < 3 or width <= len(parts[1]):
        return key[:width]
    return MERGED.join((parts[0], parts[1], parts[2][: width - len(parts[1])]))


def chain_of_key(key: str, scheme: Scheme) -> list[str]:
    """The codes of all places that one with a place key lies in, top first, and its own."""
    parts = key.rsplit(MERGED, 2)
    code = code_of_key(key, scheme)
    chain = scheme.chain(code) if scheme.level_of(code) is not None else []
    if len(parts) < 3:
        return chain
    gone = parts[1].removesuffix(scheme.separator)
    return [*chain_of_key(parts[0], scheme), *(c for c in chain if len(c) > len(gone))]


def day_before(day: str | None) -> str | None:
    """The day before an ISO day; what is none stays as it is."""
    try:
        if day is None:
            return None
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except ValueError:
        return day


def _outermost(entries: set[str]) -> tuple[str, ...]:
    """`day|key` sorted, without those that lie in another of the same day."""
    kept: list[str] = []
    for entry in sorted(entries):
        if not (kept and entry.startswith(kept[-1])):
            kept.append(entry)
    return tuple(kept)


def change_of(
    kind: str | None,
    on: str | None,
    old: str | None,
    new: str | None,
    old_name: str | None,
    new_name: str | None,
    scheme: Scheme,
) -> Change | None:
    """A change as a record says it, its codes in their canonical form; None where it says too little."""

    def folded(code: str | None) -> str | None:
        if not code:
            return None
        try:
            return scheme.parse(code).code
        except UsageError:
            return code.strip()

    before = folded(old)
    if kind is None or before is None:
        return None
    return Change(kind, (on or "")[:10], before, folded(new), old_name, new_name)
