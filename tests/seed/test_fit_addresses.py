"""Fitting the resolver's confidence, and what the fitted one is worth on texts it has not seen."""

from __future__ import annotations

from collections import Counter

import numpy as np

from addresses.calibration import Calibration, Fitted, features, load_calibration
from addresses.index import Index
from addresses.resolver import VERSION, AddressResolver
from addresses.scheme import load_scheme
from seed.address_base import parents_of, places_of
from seed.address_exam import address_texts
from seed.addresses import build_addresses
from seed.fit_addresses import Sample, regression, samples, steps
from seed.options import SeedOptions
from seed.places import build_places
from seed.score_addresses import score_addresses


def made(shares: dict[frozenset[str], float], n: int = 2000) -> Counter[Sample]:
    found: Counter[Sample] = Counter()
    for facts, share in shares.items():
        found[facts, True] = round(n * share)
        found[facts, False] = n - round(n * share)
    return found


SHARES = {
    frozenset({"level.BUILDING", "by.official"}): 0.99,
    frozenset({"level.BUILDING", "by.short"}): 0.9,
    frozenset({"level.DWELLING", "by.short"}): 0.6,
    frozenset({"level.DWELLING", "by.official"}): 0.95,
}


def test_regression_and_steps_give_back_the_shares() -> None:
    found = made(SHARES)
    bias, weights = regression(found)
    fitted = Fitted(version="test", bias=bias, weights=weights)
    fitted = fitted.model_copy(update={"steps": tuple(steps(found, Calibration(fitted)))})
    for facts, share in SHARES.items():
        assert abs(Calibration(fitted).confidence(facts) - share) < 0.02


def test_steps_rise() -> None:
    rng = np.random.default_rng(3)
    found = made({frozenset({f"a{i}"}): float(rng.random()) for i in range(30)}, 100)
    made_of = steps(found, Calibration(Fitted(version="test", weights={f"a{i}": i / 10 for i in range(30)})))
    shares = [share for _, share in made_of]
    assert shares == sorted(shares)
    assert [at for at, _ in made_of] == sorted(at for at, _ in made_of)


def test_features_do_not_depend_on_order() -> None:
    assert list(features(["b", "a"])) == list(features(["a", "b"])) == ["a", "b", "a & b"]


def test_samples_of_a_small_district() -> None:
    found = list(samples(0.004, 5, 40))
    assert len(found) > 60
    assert {right for _, right in found} == {True, False}
    assert all(any(f.startswith("level.") for f in facts) for facts, _ in found)


def test_the_kept_confidence_is_of_this_reader_and_holds_on_new_texts() -> None:
    assert load_calibration().fitted.version == VERSION
    options = SeedOptions(scale=0.01, seed=991)
    assert options.seed not in load_calibration().fitted.seeds
    places = build_places(options)
    rows = build_addresses(options, places)
    resolver = AddressResolver(Index.of(load_scheme(), places_of(rows)))
    # What the ways of writing cost that nobody who tunes has seen is no more than this.
    for examination, least in ((False, 0.95), (True, 0.9)):
        texts = address_texts(places, seed=991, count=1500, profile="normal", examination=examination)
        score = score_addresses(texts, resolver, parents_of(rows).get)
        sure = [b for b in score.calibration() if b.low >= 0.9]
        answers, right = sum(b.answers for b in sure), sum(b.right for b in sure)
        assert answers > 1000
        assert right / answers >= 0.99
        for (_, level), line in score.table().items():
            if level in ("BUILDING", "DWELLING"):
                assert line.reached / line.reachable >= least
