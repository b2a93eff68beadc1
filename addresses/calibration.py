"""How sure an answer is (置信度校准): the share of answers like it that were right, on texts made for that.

A place that was found has *facts* (`by.short`, `with.STREET`, `against.COMMUNITY`, `fuzzy.sound`, `missing.room`, …). Single facts
and pairs of them have weights, those of a logistic regression, whose outcome is passed through a rising step function (isotonic
regression), so that of the answers given 0.9 nine in ten are right. Both are fitted on training texts by
`python -m seed.fit_addresses`, which says how, and kept in `calibration.yaml` beside this file.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from ontology.reading import read_yaml

FITTED: Final = Path(__file__).with_name("calibration.yaml")
HIGHEST: Final = 0.999
JOINT: Final = " & "
"""Between the two facts of a pair."""


class Fitted(BaseModel):
    """What `calibration.yaml` holds.

    Attributes:
        version: of the reader that it was fitted for.
        texts: how many training texts. seeds: of the districts that they are about.
        bias, weights: of the regression. A fact without weight says nothing.
        steps: (log-odds from, confidence) in rising order; empty for the plain logistic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    texts: int = 0
    seeds: tuple[int, ...] = ()
    bias: float = 2.0
    weights: dict[str, float] = {}
    steps: tuple[tuple[float, float], ...] = ()


def features(facts: Iterable[str]) -> Iterator[str]:
    """The facts themselves and all pairs of them, in a fixed order."""
    ordered = sorted(facts)
    yield from ordered
    for i, one in enumerate(ordered):
        for other in ordered[i + 1 :]:
            yield one + JOINT + other


class Calibration:
    """Facts → confidence."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self._from = [at for at, _ in fitted.steps]
        self._share = [share for _, share in fitted.steps]
        self._kept: dict[frozenset[str], float] = {}

    def logit(self, facts: Iterable[str]) -> float:
        """The log-odds of a set of facts."""
        weights = self.fitted.weights
        return self.fitted.bias + sum(weights.get(f, 0.0) for f in features(facts))

    def confidence(self, facts: Iterable[str]) -> float:
        """How likely a place with these facts is the one that was meant, or one above it. 0 to 0.999."""
        key = frozenset(facts)
        known = self._kept.get(key)
        if known is not None:
            return known
        at = self.logit(key)
        if self._from:
            share = self._share[max(0, bisect_right(self._from, at) - 1)]
        else:
            share = 1 / (1 + math.exp(-max(-30.0, min(30.0, at))))
        result = round(min(HIGHEST, max(0.0, share)), 3)
        if len(self._kept) < 1 << 16:
            self._kept[key] = result
        return result


@lru_cache(maxsize=4)
def load_calibration(path: Path = FITTED) -> Calibration:
    """The fitted weights of a file."""
    return Calibration(Fitted.model_validate(read_yaml(path.read_text(encoding="utf-8"))))
