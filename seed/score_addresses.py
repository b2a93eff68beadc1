"""How well a resolver reads address texts, against their answer key. Pure functions over `addresses.resolution.Resolver`.

A wrong answer is ten times worse than none, so an answer counts as wrong whenever the place meant is neither it nor within it; an
answer above the place is right and not exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import polars as pl

from addresses.resolution import Outcome, Resolution, Resolver

ANSWERS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "profile": pl.String, "examination": pl.Boolean, "kind": pl.String, "level": pl.String, "text": pl.String, "start": pl.Int64,
    "end": pl.Int64, "code": pl.String, "determined": pl.String, "operations": pl.List(pl.String), "outcome": pl.String,
    "answer": pl.String, "confidence": pl.Float64, "verdict": pl.String,
}  # fmt: skip
"""One row for each place that a text names, with what was answered and the verdict."""

LEVELS: Final = ("STREET", "COMMUNITY", "SITE", "BUILDING", "UNIT", "DWELLING", "NONE", "OUTSIDE")
"""Rows of the table: the level of the place meant; NONE for texts that nobody can place, OUTSIDE for those of neighbours."""

SENTENCES: Final = ("sentence", "several")
"""Kinds of text in which places are looked for; all others are one address."""

BINS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0)


DISTRICT_CODE: Final = 6
"""Length of the district's code. That a text is of the district is no answer, and no wrong one."""


class Verdict(StrEnum):
    """What an answer is worth.

    EXACT: the place meant; or rightly no place. ABOVE: a place that it lies in. WRONG: anything else that was answered.
    UNRESOLVED: no answer, or a question back, though there was an answer to give.
    """

    EXACT = "EXACT"
    ABOVE = "ABOVE"
    WRONG = "WRONG"
    UNRESOLVED = "UNRESOLVED"


Parent = Callable[[str], str | None]
"""The place of the tree that a road or an estate lies in, by its code."""


def judge(
    code: str | None, determined: str | None, outside: bool, answer: Resolution | None, parent: Parent
) -> Verdict:
    """The verdict on one answer.

    Args:
        code: the place meant.
        determined: what the text determines of it.
        outside: whether the place meant is outside the district.
        answer: None when nothing was found.
        parent: of codes outside the tree: an estate stands for its community, a road for its street.
    """
    outcome = answer.outcome if answer else Outcome.UNRESOLVED
    said = answer.best.code if answer and answer.best and outcome == Outcome.RESOLVED else None
    if outside:
        if outcome == Outcome.OUTSIDE:
            return Verdict.EXACT
        return Verdict.WRONG if outcome == Outcome.RESOLVED else Verdict.UNRESOLVED
    if determined is None or code is None:
        # Nothing can be known: whoever answers has guessed, even when it happens to be right.
        guessed = outcome == Outcome.OUTSIDE or (said is not None and len(said) > DISTRICT_CODE)
        return Verdict.WRONG if guessed else Verdict.EXACT
    if outcome == Outcome.OUTSIDE:
        return Verdict.WRONG
    if said is None or len(said) <= DISTRICT_CODE:
        return Verdict.UNRESOLVED
    place = said if said.isdigit() else parent(said)
    if place is None:
        return Verdict.WRONG
    if place == code:
        return Verdict.EXACT
    return Verdict.ABOVE if code.startswith(place) else Verdict.WRONG


@dataclass(slots=True)
class Line:
    """Counts of one profile and level."""

    n: int = 0
    reachable: int = 0
    reached: int = 0
    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))

    def rows(self) -> dict[str, float | int]:
        """Shares of the texts, by name; `of_ceiling` is the share of what can be reached that was."""
        n = max(1, self.n)
        return {
            "texts": self.n,
            "exact": self.counts[Verdict.EXACT] / n,
            "above": self.counts[Verdict.ABOVE] / n,
            "wrong": self.counts[Verdict.WRONG] / n,
            "unresolved": self.counts[Verdict.UNRESOLVED] / n,
            "ceiling": self.reachable / n,
            "of_ceiling": self.reached / self.reachable if self.reachable else 1.0,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers given a confidence of `low` (included) to `high`: how many, their mean confidence, how many were right."""

    low: float
    high: float
    answers: int
    confidence: float
    right: int

    @property
    def share(self) -> float:
        """The share of answers that were the place meant or one above it."""
        return self.right / self.answers if self.answers else 1.0


@dataclass(frozen=True, slots=True)
class AddressScore:
    """What `score_addresses` found.

    Attributes:
        answers: columns of `ANSWERS`.
        extra: by profile, places that were answered in sentences where none stands.
    """

    answers: pl.DataFrame
    extra: dict[str, int]

    def table(self) -> dict[tuple[str, str], Line]:
        """(profile, level of the place meant) → counts; profiles in the order of their texts, levels from the top."""
        found: dict[tuple[str, str], Line] = defaultdict(Line)
        for profile, level, code, determined, verdict in self.answers.select(
            "profile", "level", "code", "determined", "verdict"
        ).iter_rows():
            line = found[profile, level]
            line.n += 1
            line.counts[Verdict(verdict)] += 1
            can = level in ("NONE", "OUTSIDE") or code == determined
            line.reachable += can
            line.reached += can and verdict == Verdict.EXACT
        order = {profile: i for i, profile in enumerate(dict.fromkeys(self.answers["profile"]))}
        return {key: found[key] for key in sorted(found, key=lambda k: (order[k[0]], LEVELS.index(k[1])))}

    def calibration(self, bins: Sequence[float] = BINS) -> list[Bin]:
        """Of the answers given each confidence, how many were right. Bins without answers are left out."""
        answered = self.answers.filter(
            pl.col("outcome") == Outcome.RESOLVED, pl.col("confidence").is_not_null()
        )
        result = []
        for low, high in zip(bins, [*bins[1:], 2.0], strict=True):
            own = answered.filter(pl.col("confidence") >= low, pl.col("confidence") < high)
            if len(own):
                mean = own.select(pl.col("confidence").mean()).item()
                right = own.filter(pl.col("verdict").is_in([Verdict.EXACT, Verdict.ABOVE]))
                result.append(Bin(low, min(high, 1.0), len(own), float(mean), len(right)))
        return result

    def by_operation(self) -> pl.DataFrame:
        """Way of writing → texts, wrong, and the share of the ceiling that was reached; the worst first."""
        can = (pl.col("code") == pl.col("determined")).fill_null(True)
        exact = pl.col("verdict") == Verdict.EXACT
        return (
            self.answers.with_columns(
                pl.when(pl.col("operations").list.len() == 0)
                .then(pl.lit(["plain"]))
                .otherwise(pl.col("operations"))
                .alias("operations")
            )
            .explode("operations")
            .group_by("operations")
            .agg(
                pl.len().alias("texts"),
                (pl.col("verdict") == Verdict.WRONG).sum().alias("wrong"),
                can.sum().alias("reachable"),
                (can & exact).sum().alias("reached"),
            )
            .with_columns((pl.col("reached") / pl.col("reachable")).fill_nan(1.0).alias("of_ceiling"))
            .sort("of_ceiling", "operations")
        )

    def failures(self, most: int = 50) -> pl.DataFrame:
        """Answers that were wrong, then those that were missed though the text determines them."""
        rank = pl.when(pl.col("verdict") == Verdict.WRONG).then(0).otherwise(1)
        missed = (pl.col("verdict") != Verdict.EXACT) & (pl.col("code") == pl.col("determined"))
        return (
            self.answers.filter((pl.col("verdict") == Verdict.WRONG) | missed)
            .sort(rank, maintain_order=True)
            .head(most)
        )

    def rows(self) -> dict[str, Any]:
        """Everything as plain values, as `quanxi score --addresses --json` prints it."""
        return {
            "levels": [
                {"profile": profile, "level": level, **line.rows()}
                for (profile, level), line in self.table().items()
            ],
            "calibration": [
                {
                    "low": b.low,
                    "high": b.high,
                    "answers": b.answers,
                    "confidence": b.confidence,
                    "right": b.share,
                }
                for b in self.calibration()
            ],
            "extra": self.extra,
        }


def _level(code: str | None, level: str | None, outcome: str) -> str:
    if outcome == Outcome.OUTSIDE:
        return "OUTSIDE"
    return "NONE" if code is None or level is None else level


def score_addresses(texts: pl.DataFrame, resolver: Resolver, parent: Parent) -> AddressScore:
    """Reads every text and judges what comes back.

    Args:
        texts: columns of `seed.address_exam.SCHEMA`.
        resolver: what is examined. Texts of one address go to `resolve`, sentences and texts of several to `places_in`.
        parent: as of `judge`.

    Returns:
        One answer for each place that the texts name.
    """
    rows: list[tuple[Any, ...]] = []
    extra: dict[str, int] = dict.fromkeys(texts["profile"].unique(maintain_order=True), 0)
    wanted = ("id", "text", "start", "end", "kind", "code", "level", "determined", "outcome", "profile", "examination", "operations")  # fmt: skip
    for group in _by_text(texts.select(wanted).iter_rows()):
        text, kind, profile = group[0][1], group[0][4], group[0][9]
        whole = kind not in SENTENCES
        found = [(0, len(text), resolver.resolve(text))] if whole else resolver.places_in(text)
        used: set[int] = set()
        for _, _, start, end, _, code, level, determined, outcome, _, examination, operations in group:
            at = _overlapping(found, start, end)
            answer = None if at is None else found[at][2]
            if at is not None:
                used.add(at)
            verdict = judge(code, determined, outcome == Outcome.OUTSIDE, answer, parent)
            best = answer.best if answer and answer.outcome == Outcome.RESOLVED else None
            rows.append(
                (
                    profile, examination, kind, _level(code, level, outcome), text, start, end, code, determined, operations,
                    (answer.outcome if answer else Outcome.UNRESOLVED).value, best.code if best else None,
                    best.confidence if best else None, verdict.value,
                )
            )  # fmt: skip
        extra[profile] += sum(
            1 for i, (_, _, said) in enumerate(found) if i not in used and said.outcome == Outcome.RESOLVED
        )
    return AddressScore(pl.DataFrame(rows, orient="row", schema=ANSWERS), extra)


def _by_text(rows: Iterable[tuple[Any, ...]]) -> Iterable[list[tuple[Any, ...]]]:
    """Rows of one text after another; those of one stand together."""
    group: list[tuple[Any, ...]] = []
    for row in rows:
        if group and group[0][0] != row[0]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _overlapping(found: Sequence[tuple[int, int, Resolution]], start: int, end: int) -> int | None:
    """Which of the places found shares most characters with the span; None when none shares any."""
    best, most = None, 0
    for i, (low, high, _) in enumerate(found):
        shared = min(end, high) - max(start, low)
        if shared > most:
            best, most = i, shared
    return best
