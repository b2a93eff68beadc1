"""What a place key means: the place that a row names by a code, by another authority's, by a text, by a sentence.

It is a function of the known places, people's picks and the resolver's version, and of nothing that came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from addresses.following import FollowingResolver
from addresses.gazetteer import NOWHERE, Gazetteer, Placement
from addresses.genealogy import Genealogy
from addresses.mentions import DEPTH
from addresses.resolution import Candidate, Outcome, Resolution
from ledger import Pick
from loaders.mapping import sentence_of, split_place_key

# What a person picked, as a reason and in `how`.
DECISION = "decision"
# From this confidence on a text that says all of its place is as good as a code.
SURE = 0.99
# Reasons by which a place says less, or other, than its text.
_SHORT = frozenset(
    {"against", "missing", "several", "rooms", "blocked", "trailing", "away", "crossing", "beside"}
)
# How sure a place can be at most that only a sentence names.
MESSAGE = 0.95


@dataclass(frozen=True, slots=True)
class Held:
    """What a place key was resolved to. `others`: the possible places, where a person should pick."""

    placement: Placement
    outcome: Outcome
    others: tuple[Candidate, ...] = ()


class Open(NamedTuple):
    """What of a place key is to be read yet: a text, a sentence; the place above by its code, and what is known without the text."""

    text: str | None
    above: Placement
    sentence: str | None
    held: Held


class KeyReader:
    """Reads place keys.

    Args:
        gazetteer: the known places. resolver: of texts, among these. genealogy: what has become of places.
        picked: what a person said of a text, as far as it names a place that is known.
    """

    def __init__(
        self,
        gazetteer: Gazetteer,
        resolver: FollowingResolver,
        genealogy: Genealogy,
        picked: Callable[[str], Pick | None],
    ) -> None:
        self._gazetteer = gazetteer
        self._resolver = resolver
        self._genealogy = genealogy
        self._picked = picked

    def resolve(self, key: str) -> Held:
        """The surest way first: the code, another authority's, what a person picked, the text, the code of a place above."""
        opened = self.opened(key)
        if isinstance(opened, Held):
            return opened
        asked = [] if opened.text is None else [self._resolver.resolve(opened.text, opened.above.code)]
        return self.closed(opened, iter(asked))

    def opened(self, key: str) -> Held | Open:
        """What a key means that says so without its text being read; else what there is to read."""
        code, text, authority, local = split_place_key(key)
        if code is not None and self._genealogy:
            # A code of any age is that of its place; so is what lies in a place by its code.
            folded = code.strip().upper() if code not in self._gazetteer else code
            code = code if self._genealogy.still(folded) else self._genealogy.current(folded)
        placed = self._gazetteer.by_code(code, authority, local)
        if placed.code is not None:
            return Held(placed, Outcome.RESOLVED)
        above = self._gazetteer.above(code)
        sentence = sentence_of(key)
        if text is None and sentence is None:
            return Held(above, Outcome.RESOLVED if above.code is not None else Outcome.UNRESOLVED)
        held = None
        if text is not None and (pick := self._picked(text)) is not None and pick.code is not None:
            place = self._gazetteer.place(pick.code)
            level = place.level if place is not None else None
            held, text = Held(Placement(pick.code, level, 1.0, DECISION), Outcome.RESOLVED), None
            if sentence is None:
                return held
        return Open(text, above, sentence, held or Held(above, Outcome.UNRESOLVED))

    def closed(self, opened: Open, said: Iterator[Resolution]) -> Held:
        """What a key means, with what its text was understood as; that is the next of what was said, where it has one."""
        held = opened.held
        if opened.text is not None:
            resolution = next(said)
            asks = resolution.outcome is Outcome.ASK
            held = Held(
                self._placement(resolution), resolution.outcome, resolution.alternatives if asks else ()
            )
            if held.placement.code is None and opened.above.code is not None:
                held = replace(held, placement=opened.above)
        return self._read_sentence(opened.sentence, held) if opened.sentence is not None else held

    def _read_sentence(self, sentence: str, held: Held) -> Held:
        """What a sentence adds to what is known of a place without it: a place in the one that is known, where it names exactly one there.

        Of the places that it names those count that are sure and lie in what is known, or in one of the places that may be meant. The deepest
        is meant when no other lies as deep, no other building is named, and nothing that a person should pick from lies as deep; else the
        place is not sure, and a person is asked. What is known to the building needs no sentence.
        """
        if (pick := self._picked(sentence)) is not None and pick.code is not None:
            return Held(
                Placement(pick.code, self._gazetteer.level(pick.code), 1.0, DECISION), Outcome.RESOLVED
            )
        known = held.placement
        if _depth(known.level) >= _depth("BUILDING") or held.outcome is Outcome.OUTSIDE:
            return held
        areas = [x.code for x in held.others] if held.outcome is Outcome.ASK else [known.code]

        def fits(code: str) -> bool:
            # What lies elsewhere than the department says is where somebody comes from, or another case.
            return any(area is None or self._lies_in(code, area) for area in areas)

        named: dict[str, Candidate] = {}
        asked: dict[str, Candidate] = {}
        for _, _, said in self._resolver.places_in(sentence, known.code):
            best = said.best
            if (
                said.outcome is Outcome.RESOLVED
                and best is not None
                and best.level != self._gazetteer.scheme.top
            ):
                if best.code not in named or best.confidence > named[best.code].confidence:
                    named[best.code] = best
            elif said.outcome is Outcome.ASK:
                asked.update((c.code, c) for c in said.alternatives)
        named = {c: x for c, x in named.items() if fits(c)}
        asked = {c: x for c, x in asked.items() if fits(c)}
        ends = {c: x for c, x in named.items() if not any(o != c and self._lies_in(o, c) for o in named)}
        if not ends:
            asks = bool(asked) and held.outcome is not Outcome.ASK
            return replace(held, outcome=Outcome.ASK, others=_shares(asked.values())) if asks else held
        depth = max(_depth(x.level) for x in ends.values())
        deepest = [x for x in ends.values() if _depth(x.level) == depth]
        rivals = [x for x in ends.values() if x is not deepest[0] and _depth(x.level) >= _depth("SITE")]
        rivals += [x for x in asked.values() if _depth(x.level) >= depth and x.code not in named]
        if len(deepest) == 1 and not rivals:
            (best,) = deepest
            if best.code == known.code:
                return held
            sure = min(
                MESSAGE, round(best.confidence, 4), known.confidence if known.code is not None else 1.0
            )
            return Held(Placement(best.code, best.level, sure, "sentence"), Outcome.RESOLVED)
        others = _shares({x.code: x for x in (*deepest, *rivals)}.values())
        return Held(self._common(others, known), Outcome.ASK, others)

    def _common(self, places: Sequence[Candidate], known: Placement) -> Placement:
        """The deepest place that all of some lie in, where it says more than what is known without them."""
        chains = [self._up(x.code) for x in places]
        for code in chains[0]:
            level = self._gazetteer.level(code)
            if level is None or level == self._gazetteer.scheme.top or code == known.code:
                break
            if all(code in chain for chain in chains):
                return Placement(code, level, MESSAGE, "sentence")
        return known

    def _up(self, code: str) -> list[str]:
        """A place and those that it lies in, upwards: what is no part of the tree by what it stands in."""
        stands = self._gazetteer.standing(code)
        chain = list(reversed(self._genealogy.lying(stands))) if stands is not None else []
        return chain if chain and chain[0] == code else [code, *chain]

    def _lies_in(self, code: str, area: str) -> bool:
        """Whether a place is another or lies in it, or belongs to it where that is a road, an estate, a park or a village group."""
        chain = self._up(code)
        if area in chain:
            return True
        return any(
            area in place.part_of
            for c in chain
            if (place := self._gazetteer.place(c)) is not None and place.part_of
        )

    def _placement(self, said: Resolution) -> Placement:
        best = said.best
        # That something is somewhere in the district says no place.
        if best is None or best.level == self._gazetteer.scheme.top or said.outcome is Outcome.OUTSIDE:
            return NOWHERE
        if said.outcome is Outcome.RESOLVED:
            sure = best.confidence >= SURE and not any(k.partition(".")[0] in _SHORT for k, _ in best.because)
            return Placement(best.code, best.level, 1.0 if sure else _below_one(best.confidence), "text")
        if said.outcome is Outcome.ASK:
            return Placement(best.code, best.level, _below_one(best.confidence), "one of several")
        return NOWHERE


def _depth(level: str | None) -> int:
    return DEPTH.get(level or "", 0)


def _shares(places: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Places of which one may be meant, by code, each as likely as the others."""
    ordered = sorted(places, key=lambda x: x.code)
    share = round(1 / max(2, len(ordered)), 3)
    return tuple(replace(x, confidence=share) for x in ordered)


def _below_one(confidence: float) -> float:
    return min(SURE, round(confidence, 4))
