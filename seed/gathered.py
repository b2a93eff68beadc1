"""Complaints and cases that gather at an enterprise: issuers of prepaid cards whose customers complain, workers of one employer who go to
arbitration together, and petitions about what the police were called for months ago.

They are made of records that are drawn anyway: whom these are against is changed, not how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from seed.cases import LABOUR_CLUSTERS, PREPAID_AT_RISK, PREPAID_WARNED, share
from seed.columns import Bools, Ints
from seed.enterprises import Enterprises, represented
from seed.finance import card_issuers
from seed.incidents import DAYS, DISPUTES
from seed.options import SeedOptions
from seed.people import People
from seed.places import Places

if TYPE_CHECKING:
    from seed.matters import Batch, Stories

DAY: Final = 86_400
CLOSURES: Final = 0.5
"""Of the issuers at risk, how many's representative has another business that has closed; the others' workers go to arbitration."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Issuers of prepaid cards about whose cards customers complain.

    Attributes:
        firm: rows of Enterprises. second: when it begins. sued: whether their workers go to arbitration.
        quiet: rows of issuers with one complaint too few. other: rows of issuers who are complained about for other things.
    """

    firm: Ints
    second: Ints
    sued: Bools
    quiet: Ints
    other: Ints


def warn(
    options: SeedOptions, places: Places, people: People, enterprises: Enterprises, now: int
) -> tuple[Enterprises, Warned]:
    """Chooses the issuers; some have a representative whose other business has closed from now on."""
    rng = options.rng("prepaid-warned")
    issuers = card_issuers(options, places, enterprises)
    able = rng.permutation(issuers[enterprises.active[issuers]])
    n = min(share(options, places, "prepaid-warnings", PREPAID_WARNED, 4), len(able) // 2)
    firm, rest = able[:n], able[n : 2 * n]
    risky = min(n, max(2, round(n * PREPAID_AT_RISK / PREPAID_WARNED)))
    closures = round(risky * CLOSURES)
    sued = (np.arange(n) >= closures) & (np.arange(n) < risky)
    # A business of one hand is not taken apart.
    several = np.bincount(enterprises.rep, minlength=len(people.home))[enterprises.rep] > 1
    shut = rng.permutation(np.flatnonzero(~enterprises.active & ~several))[:closures]
    rep = enterprises.rep.copy()
    rep[shut] = rep[firm[: len(shut)]]
    second = now - rng.integers(80, DAYS - 5, n) * DAY
    return represented(enterprises, people, rep), Warned(firm, second, sued, rest[::2], rest[1::2])


class Gathering:
    """Records of a batch that are matters of their own, each given to one group."""

    def __init__(self, batch: Batch) -> None:
        self.second = batch.second
        self.free: Bools = batch.parent < 0

    def take(self, seconds: Iterable[int]) -> list[int]:
        """For each time the free record that is nearest to it; fewer where there are no more."""
        return [row for row in (self._nearest(second) for second in seconds) if row >= 0]

    def _nearest(self, second: int) -> int:
        after = int(np.searchsorted(self.second, second))
        before = after - 1
        n = len(self.second)
        while after < n and not self.free[after]:
            after += 1
        while before >= 0 and not self.free[before]:
            before -= 1
        if before < 0 and after >= n:
            return -1
        late = before < 0 or (after < n and self.second[after] - second < second - self.second[before])
        row = after if late else before
        self.free[row] = False
        return row


def gather_complaints(stories: Stories, batch: Batch, kind: Ints, prepaid: int) -> None:
    """Lets complaints about prepaid cards gather at the issuers that are warned of.

    Args:
        kind: of each complaint; `prepaid` is that of prepaid cards.
    """
    rng, warned = stories.options.rng("gathered-complaints"), stories.warned
    if warned is None:
        return
    records = Gathering(batch)

    def put(firm: int, second: int, many: int, about: int) -> None:
        rows = records.take((second + np.sort(rng.integers(0, 50, many)) * DAY).tolist())
        batch.firm[rows], batch.two[rows] = firm, -1
        kind[rows] = about

    for firm, second in zip(warned.firm.tolist(), warned.second.tolist(), strict=True):
        put(firm, second, int(rng.integers(3, 7)), prepaid)
    others = [k for k in range(int(kind.max()) + 1) if k != prepaid] if len(kind) else []
    begins = warned.second.tolist()
    for i, firm in enumerate(warned.quiet.tolist()):
        put(firm, begins[i], 2, prepaid)
    for i, firm in enumerate(warned.other.tolist()):
        put(firm, begins[-1 - i], int(rng.integers(3, 6)), int(rng.choice(others)))


def gather_labour(stories: Stories, batch: Batch) -> None:
    """Lets workers of one enterprise go to arbitration within weeks. What looks alike: one worker three times, three workers in longer than the window."""
    rng = stories.options.rng("gathered-labour")
    people, firms = stories.people, stories.enterprises
    order = np.argsort(firms.employer, kind="stable")
    order = order[(firms.employer[order] >= 0) & (people.death[order] < 0)]
    employers = firms.employer[order]
    # The larger employers; of a small district, those that there are.
    size = np.bincount(employers, minlength=len(firms.kind))
    many = np.flatnonzero(size >= min(8, max(3, int(size.max(initial=0)))))
    records = Gathering(batch)

    def put(firm: int, second: int, gaps: Sequence[int], alone: bool = False) -> None:
        low, high = np.searchsorted(employers, [firm, firm + 1])
        staff = rng.permutation(order[low:high])
        if len(staff) < len(gaps):
            staff = rng.permutation(order)
        rows = records.take([second + gap * DAY for gap in gaps])
        batch.firm[rows], batch.two[rows] = firm, -1
        batch.one[rows] = staff[0] if alone else staff[: len(rows)]
        batch.spot[rows] = firms.spot[firm]

    if stories.warned is not None:
        warned = stories.warned
        for firm, second in zip(
            warned.firm[warned.sued].tolist(), warned.second[warned.sued].tolist(), strict=True
        ):
            put(firm, second, (10, 30))
    chosen = rng.permutation(many)[
        : 2 * share(stories.options, stories.places, "labour-clusters", LABOUR_CLUSTERS, 2)
    ]
    for group, firm in enumerate(chosen.tolist()):
        second = stories.now - int(rng.integers(110, DAYS - 5)) * DAY
        if group % 2 == 0:
            put(firm, second, np.sort(rng.integers(0, 60, int(rng.integers(3, 8)))).tolist())
        elif group % 4 == 1:
            put(firm, second, (0, 25, 50), alone=True)
        else:
            put(firm, second, (0, 60, 150))


def petition_late(stories: Stories, batch: Batch, share_of: float = 0.04) -> None:
    """Puts some petitions where the police were called to a dispute more than two months before."""
    rng = stories.options.rng("late-petitions")
    alarms = stories.reports["alarms"]
    disputes = np.flatnonzero((alarms.topic < len(DISPUTES)) & (alarms.second < stories.now - 120 * DAY))
    if not len(disputes):
        return
    records = Gathering(batch)
    for alarm in rng.choice(disputes, max(3, round(len(batch) * share_of))).tolist():
        rows = records.take([int(alarms.second[alarm]) + int(rng.integers(64, 110)) * DAY])
        batch.spot[rows] = alarms.spot[alarm]
