"""Free text → places, for the people and programs that ask: what a text means, what waits for a person, and what a person picks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from addresses.gazetteer import Placement
from addresses.resolution import Candidate, Outcome, Resolution
from ledger import Pick, about_key
from loaders.mapping import address_id, sentence_of, split_place_key
from loaders.place_keys import Held
from loaders.run import Loader
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

LONGEST_ADDRESS = 400
LONGEST_SENTENCE = 4_000
LONGEST_REASON = 500
MOST_ALTERNATIVES = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """What records of a feed say of a place, and what it was resolved to when they were last applied.

    Attributes:
        text, code, authority: as the records say it; `code` is of `authority`, where it is not ours. A sentence is a text too.
        records: how many say so.
        resolution: what the text is understood as by now; without a text, that nothing is known by it.
    """

    feed: str
    feed_zh: str
    feed_en: str
    text: str | None
    code: str | None
    authority: str | None
    records: int
    held: Held
    resolution: Resolution


class Resolving:
    """Answers about texts, and takes picks. Safe to use from several threads that share its lock."""

    def __init__(self, loader: Loader, lock: threading.Lock | None = None) -> None:
        self._loader = loader
        self._lock = lock or threading.Lock()

    def resolve(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        """What one text is understood as; by the places that are known now, whoever loaded them.

        Raises:
            UsageError: BAD_ARGUMENT for no text, one of more than 400 characters, or `first` out of 1 to 20; BAD_CODE.
        """
        text = checked(text, LONGEST_ADDRESS)
        near = self._near(near)
        if not 1 <= first <= MOST_ALTERNATIVES:
            raise UsageError(
                "BAD_ARGUMENT",
                f"first 须在 1 到 {MOST_ALTERNATIVES} 之间",
                f"first must be 1 to {MOST_ALTERNATIVES}, not {first}",
            )
        with self._lock:
            self._loader.places.follow()
            return self._loader.places.read(text, near, first)

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        """The places that a sentence names: start and end in it, and each one's resolution.

        Raises:
            UsageError: BAD_ARGUMENT for no text, or one of more than 4,000 characters; BAD_CODE.
        """
        text = checked(text, LONGEST_SENTENCE)
        near = self._near(near)
        with self._lock:
            self._loader.places.follow()
            return self._loader.places.places_in(text, near)

    def full_names(self, codes: list[str]) -> dict[str, str]:
        """Code → full name, of those that are known."""
        with self._lock:
            return self._loader.places.full_names({address_id(c): c for c in codes})

    # -- what waits for a person ------------------------------------------------------------------------------------

    def waiting(
        self, outcome: Outcome = Outcome.ASK, feed: str | None = None, first: int = 20, skip: int = 0
    ) -> tuple[list[Waiting], int]:
        """A page of what feeds say of places and nobody is sure of, most frequent first, and how many there are in all.

        Args:
            outcome: ASK, UNRESOLVED or OUTSIDE.

        Raises:
            UsageError: BAD_ARGUMENT when there is no such feed.
        """
        if feed is not None and feed not in self._loader.feeds:
            raise UsageError(
                "BAD_ARGUMENT",
                f"没有名为 {feed[:60]} 的数据源",
                f"no feed is called {feed[:60]}",
                f"Known: {', '.join(self._loader.feeds)}.",
            )
        with self._lock:
            self._loader.places.follow()
            found = sorted(
                ((name, key, n) for name, key, n in self._named(outcome) if feed in (None, name)),
                key=lambda x: (-x[2], x[0], x[1]),
            )
            return [self._shown(*each) for each in found[skip : skip + first]], len(found)

    def _named(self, outcome: Outcome) -> Iterator[tuple[str, str, int]]:
        """(feed, place key, records) of the place keys of an outcome that records still name."""
        keys = {about_key("place:" + key): key for key in self._loader.places.waiting(outcome)}
        numbers = list(keys)
        for start in range(0, len(numbers), 30_000):
            part = numbers[start : start + 30_000]
            marks = ",".join("?" * len(part))
            for number, feed, n in self._loader.records.db.execute(
                f"SELECT key, feed, count(*) FROM about WHERE key IN ({marks}) GROUP BY key, feed", part
            ):
                yield feed, keys[number], n

    def _shown(self, feed: str, key: str, records: int) -> Waiting:
        code, text, authority, local = split_place_key(key)
        places = self._loader.places
        held = places.held(key)
        said = Resolution(Outcome.UNRESOLVED)
        if text is not None:
            said = places.read(text, places.gazetteer.above(code).code)
        if (sentence := sentence_of(key)) is not None and (text is None or said.outcome is not held.outcome):
            text, said = sentence, Resolution(held.outcome, _as_candidate(held.placement), held.others)
        declared = self._loader.feeds.get(feed)
        zh, en = (declared.zh, declared.en) if declared is not None else (feed, feed)
        return Waiting(feed, zh, en, text, code or local, authority, records, held, said)

    # -- picks ------------------------------------------------------------------------------------------------------

    def pick(self, text: str, code: str | None, reason: str, judge: str) -> Pick:
        """Keeps which place a person says that a text names; it answers every text of the same normal form from now on, and
        the graph follows when it is next applied. A later pick of the same text replaces an earlier; no code takes it back.

        Raises:
            UsageError: BAD_ARGUMENT without a reason; BAD_CODE; NOT_FOUND when no place has the code, or nothing was
                picked that could be taken back.
        """
        text = checked(text, LONGEST_SENTENCE)
        reason = reason.strip()
        if not reason or len(reason) > LONGEST_REASON:
            raise UsageError(
                "BAD_ARGUMENT",
                f"须说明理由,至多 {LONGEST_REASON} 字",
                f"say why, in at most {LONGEST_REASON} characters: a decision has a reason",
            )
        with self._lock:
            places = self._loader.places
            places.follow()
            if code is not None:
                code = self._loader.scheme.parse(code).code
                if code not in places.gazetteer:
                    raise UsageError(
                        "NOT_FOUND", f"没有编码为 {code} 的地址", f"no place has the code {code}"
                    )
            elif (known := places.pick_of(text)) is None or known.code is None:
                raise UsageError(
                    "NOT_FOUND",
                    "此文本没有可撤回的选择",
                    "nothing was picked of this text that could be taken back",
                )
            at = datetime.now(SHANGHAI).isoformat(timespec="seconds")
            self._loader.ledger.pick(text, code, judge, at, reason)
            places.follow()
            kept = places.pick_of(text)
            assert kept is not None
            return kept

    def picks(self) -> list[Pick]:
        """What people picked and did not take back, the newest first."""
        with self._lock:
            self._loader.places.follow()
            return self._loader.places.picks()

    def _near(self, near: str | None) -> str | None:
        return None if near is None else self._loader.scheme.parse(near).code


def _as_candidate(held: Placement) -> Candidate | None:
    if held.code is None:
        return None
    return Candidate(held.code, held.level or "", held.confidence, (("sentence", ""),))


def checked(text: str, most: int) -> str:
    """The text, as it is: ranges in it are those of the text as given.

    Raises:
        UsageError: BAD_ARGUMENT when it is empty or longer than `most` characters.
    """
    if not text.strip() or len(text) > most:
        raise UsageError(
            "BAD_ARGUMENT", f"文本须为 1 到 {most} 个字", f"the text must have 1 to {most} characters"
        )
    return text
