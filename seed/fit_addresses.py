"""Fits the resolver's confidence (`addresses/calibration.yaml`) on training texts.

    python -m seed.fit_addresses --seeds 101,102,103 --scale 0.05 --texts 8000

For each seed a district's places are made, and texts about them of every profile, with the ways of writing that training has
(`examination=False`: neither the stream nor the held-out ways of an examination). Each text is resolved; every place on the way up from
the best one gives its facts, and whether the place meant is it or lies in it. The regression is fitted on all seeds but the last,
the steps on the last one alone, so that the regression's own eagerness does not pass for certainty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml

from addresses.calibration import FITTED, JOINT, Calibration, Fitted, features
from addresses.index import Index
from addresses.resolver import VERSION, AddressResolver
from addresses.scheme import load_scheme
from seed.address_base import places_of
from seed.address_exam import TEXT_PROFILES, address_texts
from seed.address_index import AddressIndex
from seed.addresses import build_addresses
from seed.options import SeedOptions
from seed.places import build_places

# A pair of facts has a weight when at least so many places had it.
_SEEN = 40
_RIDGE = 1.0
_ROUNDS = 60
_BLOCK = 60

Sample = tuple[frozenset[str], bool]


def samples(scale: float, seed: int, texts: int) -> Iterator[Sample]:
    """Facts of the places that a district's training texts lead to, and whether each was right."""
    options = SeedOptions(scale=scale, seed=seed)
    places = build_places(options)
    index = Index.of(load_scheme(), places_of(build_addresses(options, places)))
    resolver = AddressResolver(index)
    known = AddressIndex(places)
    for profile in TEXT_PROFILES:
        frame = address_texts(known, seed=seed, count=texts, profile=profile)
        one = frame.filter(frame["id"].is_unique())
        for text, code, determined, ways in one.select(
            "text", "code", "determined", "operations"
        ).iter_rows():
            # That the building meant is the base's is of our making: of a part that the base does not know nobody can say so.
            most = len(determined) if determined and "within.stage" in ways else len(code or "")
            for at, facts in resolver.facts(text)[1]:
                place = index.at(at)
                while place is not None and index.level(place) in ("ROAD", "ESTATE", "PARK", "GROUP"):
                    place = index.parent(place)
                tree = index.code(place) if place is not None else ""
                if index.scheme.level_of(tree) == index.scheme.top:
                    continue
                yield facts, bool(code and determined and tree and code[:most].startswith(tree))


def regression(found: Counter[Sample]) -> tuple[float, dict[str, float]]:
    """Bias and weights, by Newton's method with a ridge."""
    seen: Counter[str] = Counter()
    for (facts, _), n in found.items():
        for feature in features(facts):
            seen[feature] += n
    names = sorted(f for f, n in seen.items() if n >= (_SEEN if JOINT in f else 5))
    at = {name: i + 1 for i, name in enumerate(names)}
    x = np.zeros((len(found), len(names) + 1))
    x[:, 0] = 1.0
    y = np.zeros(len(found))
    counts = np.zeros(len(found))
    for row, ((facts, right), count) in enumerate(found.items()):
        for feature in features(facts):
            if feature in at:
                x[row, at[feature]] = 1.0
        y[row], counts[row] = right, count
    w = np.zeros(len(names) + 1)
    ridge = np.full(len(names) + 1, _RIDGE)
    ridge[0] = 1e-3
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = x.T @ (counts * (y - p)) - ridge * w
        curve = (x * (counts * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        w += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-5:
            break
    return float(w[0]), {name: round(float(w[i]), 3) for name, i in at.items() if abs(w[i]) >= 0.02}


def steps(found: Counter[Sample], calibration: Calibration) -> list[tuple[float, float]]:
    """The rising step function from log-odds to the share that was right (pool adjacent violators)."""
    counted: dict[float, list[int]] = {}
    for (facts, right), n in found.items():
        each = counted.setdefault(round(calibration.logit(facts), 6), [0, 0])
        each[0] += n * right
        each[1] += n
    blocks: list[list[float]] = []  # from, right, all
    for at, (good, n) in sorted(counted.items()):
        if blocks and blocks[-1][2] < _BLOCK:
            blocks[-1][1] += good
            blocks[-1][2] += n
        else:
            blocks.append([at, float(good), float(n)])
        while (
            len(blocks) > 1
            and blocks[-1][2] >= _BLOCK
            and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]
        ):
            last = blocks.pop()
            blocks[-1][1] += last[1]
            blocks[-1][2] += last[2]
    if len(blocks) > 1 and blocks[-1][2] < _BLOCK:
        last = blocks.pop()
        blocks[-1][1] += last[1]
        blocks[-1][2] += last[2]
    # One wrong answer more than was seen, so that a small block is not certain.
    shares = np.maximum.accumulate([right / (n + 1) for _, right, n in blocks])
    return [(round(at, 3), round(float(share), 4)) for (at, _, _), share in zip(blocks, shares, strict=True)]


def main(
    seeds: Annotated[
        str, typer.Option(help="训练地区的种子，逗号分隔，末一个只用于阶梯 seeds of training districts")
    ] = "101,102,103",
    scale: Annotated[float, typer.Option(help="规模 scale of the districts")] = 0.05,
    texts: Annotated[
        int, typer.Option(help="每个种子每个配置的文本数 texts for each seed and profile")
    ] = 8000,
    out: Annotated[Path, typer.Option(help="写入的文件 the file to write")] = FITTED,
) -> None:
    """Fits and writes the file."""
    chosen = [int(s) for s in seeds.split(",")]
    found: list[Counter[Sample]] = [Counter(samples(scale, seed, texts)) for seed in chosen]
    learn: Counter[Sample] = Counter()
    for each in found[:-1] or found:
        learn.update(each)
    bias, weights = regression(learn)
    fitted = Fitted(
        version=VERSION,
        texts=len(chosen) * texts * len(TEXT_PROFILES),
        seeds=tuple(chosen),
        bias=round(bias, 3),
        weights=weights,
    )
    fitted = fitted.model_copy(update={"steps": tuple(steps(found[-1], Calibration(fitted)))})
    data: dict[str, Any] = fitted.model_dump(mode="json")
    head = "# Fitted by `python -m seed.fit_addresses`, not written by hand: see addresses/calibration.py.\n"
    body = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, default_flow_style=None, width=130)
    out.write_text(head + body, encoding="utf-8")
    typer.echo(f"{len(weights)} weights, {len(fitted.steps)} steps, {sum(learn.values())} places")


if __name__ == "__main__":
    typer.run(main)
