"""Mess as departments have it, by the profiles of `seed/noise.yaml`. Column-wise; the clean world is not
touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ontology.reading import read_yaml
from seed.columns import Bools, Ints
from seed.feeds import Feed
from seed.options import bad

PROFILES: Final = Path(__file__).with_name("noise.yaml")
_RATES: Final = (
    "code_blank", "address_variant", "address_typo", "phone_missing", "identity_missing", "identity_wrong",
    "identity_lower", "date_format", "duplicate", "bad_enum", "bad_key", "bad_date",
)  # fmt: skip


def load_profile(name: str, path: Path = PROFILES) -> dict[str, float]:
    """The rates of a profile, absent ones 0.

    Raises:
        UsageError: when there is no such profile, or a rate is unknown or not between 0 and 1.
    """
    profiles = read_yaml(path.read_text(encoding="utf-8"))
    profiles.pop("address_text", None)  # read by seed.address_ways
    if name not in profiles:
        raise bad(
            f"没有名为 {name} 的噪声配置。",
            f"There is no noise profile {name!r}.",
            f"One of {', '.join(profiles)}.",
        )
    given: Mapping[str, float] = profiles[name] or {}
    for key, rate in given.items():
        if key not in _RATES or not 0 <= rate <= 1:
            raise bad(f"噪声配置 {name} 的 {key} 有误。", f"{name}: {key}={rate} is no rate between 0 and 1.")
    return {key: float(given.get(key, 0.0)) for key in _RATES}


_FULL_WIDTH: Final = {str(d): chr(0xFF10 + d) for d in range(10)}


def _full_width(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(_FULL_WIDTH), list(_FULL_WIDTH.values()))


# Ways to write an address, one name each; each keeps what the text says. `(\d+)` and not `\d`: numbers
# stay whole.
VARIANTS: Final[tuple[tuple[str, Callable[[pl.Expr], pl.Expr]], ...]] = (
    ("no_district", lambda t: t.str.replace("^萧山区", "")),
    ("no_street", lambda t: t.str.replace("^萧山区[^区]{1,6}?(?:街道|镇)", "萧山区")),
    ("province", lambda t: t.str.replace("^萧山区", "浙江省杭州市萧山区")),
    ("city", lambda t: t.str.replace("^萧山区", "杭州市萧山区")),
    ("full_width", _full_width),
    ("number_building", lambda t: t.str.replace(r"(\d+)幢", "${1}号楼")),
    ("block", lambda t: t.str.replace(r"(\d+)幢", "${1}栋")),
    ("hash", lambda t: t.str.replace(r"(\d+)幢", "$1#").str.replace(r"(\d+)号$", "$1#")),
    ("dashes", lambda t: t.str.replace(r"(\d+)幢(\d+)单元(\d+)室$", "$1-$2-$3")),
    ("no_room_word", lambda t: t.str.replace(r"(\d+)室$", "$1")),
    ("group_dash", lambda t: t.str.replace(r"(\d+)组(\d+)号", "$1组$2")),
    ("spaces", lambda t: t.str.replace("(街道|镇|社区|村)", "$1 ").str.replace(r"(\d+)幢", " $1幢 ")),
    ("brackets", lambda t: t.str.replace("(社区|村)", "$1（居委）")),
    ("no_community", lambda t: t.str.replace("(街道|镇)[^市路]{1,8}?社区", "$1")),
)


ADDRESS_OPERATIONS: Final = {
    name: 1 << bit
    for bit, name in enumerate([*(name for name, _ in VARIANTS), "typo_drop", "typo_double", "typo_word"])
}
"""What noise does to an address text → its bit in the column `done_…`."""
TYPOS: Final = sum(bit for name, bit in ADDRESS_OPERATIONS.items() if name.startswith("typo"))
NUMBER_DAMAGED: Final = 1 << len(ADDRESS_OPERATIONS)
"""The bit that says that a typo hit a number."""


def _mask(rng: np.random.Generator, n: int, rate: float) -> Bools:
    return rng.random(n) < rate


def _swap(frame: pl.DataFrame, column: str, mask: Bools, value: pl.Expr) -> pl.DataFrame:
    """The frame with `value` (of this column alone) where the mask holds and the cell is filled."""
    rows = np.flatnonzero(mask & frame[column].is_not_null().to_numpy())
    if not len(rows):
        return frame
    # Computed for these rows only: the address patterns are dear.
    new = frame.select(column)[rows].with_columns(value.alias(column))[column]
    place = np.arange(len(frame))
    place[rows] = len(frame) + np.arange(len(rows))
    return frame.with_columns(pl.concat([frame[column], new]).gather(place).alias(column))


def dirty(
    feed: Feed, frame: pl.DataFrame, rates: Mapping[str, float], rng: np.random.Generator
) -> pl.DataFrame:
    """The feed as the department would send it. `frame` is shaped; nothing is changed when all rates are 0.

    The address feed itself stays as it is but for its dates: it is the reference. For each address text there is a column `done_…`
    with the bits of what was done to it, when anything was.
    """
    if not any(rates.values()):
        return frame
    n = len(frame)
    for text, code in feed.addresses:
        if code in feed.columns:
            frame = _swap(frame, code, _mask(rng, n, rates["code_blank"]), pl.lit(None, dtype=pl.String))
        frame, done = _addresses(frame, text, rates, rng)
        frame = frame.with_columns(pl.Series(f"done_{text}", done))
    for column in feed.phones:
        frame = _swap(frame, column, _mask(rng, n, rates["phone_missing"]), pl.lit(None, dtype=pl.String))
    for column in feed.identities:
        frame = _identities(frame, column, rates, rng)
    for column in feed.dates:
        frame = _dates(frame, column, rates["date_format"], rng)
    if feed.key == "addresses":
        return frame
    for column in feed.enums:
        frame = _swap(
            frame, column, _mask(rng, n, rates["bad_enum"] / max(1, len(feed.enums))), pl.lit("待定（误填）")
        )
    for column in feed.dates[:1]:
        frame = _swap(frame, column, _mask(rng, n, rates["bad_date"]), pl.lit("2025-13-45"))
    frame = _swap(frame, feed.key_column, _mask(rng, n, rates["bad_key"]), pl.lit(None, dtype=pl.String))
    twice = _mask(rng, n, rates["duplicate"])
    order = np.sort(np.concatenate([np.arange(n), np.flatnonzero(twice)]))
    return frame[order]


def _addresses(
    frame: pl.DataFrame, column: str, rates: Mapping[str, float], rng: np.random.Generator
) -> tuple[pl.DataFrame, Ints]:
    """The frame with its texts written in other ways, and for each row the bits of `ADDRESS_OPERATIONS` that were done."""
    n = len(frame)
    done = np.zeros(n, dtype=np.int64)
    filled = frame[column].is_not_null().to_numpy()

    def did(name: str, mask: Bools) -> Bools:
        done[mask & filled] |= ADDRESS_OPERATIONS[name]
        return mask

    varied = _mask(rng, n, rates["address_variant"])
    # The digits come last, since the other ways look for plain ones.
    ways = sorted(range(len(VARIANTS)), key=lambda i: VARIANTS[i][0] == "full_width")
    chosen = [
        rng.integers(0, len(VARIANTS), n),
        rng.integers(0, len(VARIANTS), n),
        rng.integers(0, len(VARIANTS), n),
    ]
    count = rng.choice([1, 2, 3], n, p=[0.6, 0.3, 0.1])
    for way in ways:
        mask = varied & (
            (chosen[0] == way) | ((chosen[1] == way) & (count >= 2)) | ((chosen[2] == way) & (count >= 3))
        )
        frame = _swap(frame, column, did(VARIANTS[way][0], mask), VARIANTS[way][1](pl.col(column)))
    typo = _mask(rng, n, rates["address_typo"])
    kind = rng.integers(0, 3, n)
    text = pl.col(column)
    half = text.str.len_chars() // 2
    # A character lost or doubled at a number makes another number of it.
    rows = np.flatnonzero(typo & filled & (kind < 2))
    around = frame[rows].select(text.str.slice(pl.max_horizontal(half - 1, 0), 3).str.contains("[0-9０-９]"))
    done[rows[around.to_series().to_numpy()]] |= NUMBER_DAMAGED
    frame = _swap(
        frame,
        column,
        did("typo_drop", typo & (kind == 0)),
        pl.concat_str(text.str.head(half), text.str.slice(half + 1)),
    )
    frame = _swap(
        frame,
        column,
        did("typo_double", typo & (kind == 1)),
        pl.concat_str(text.str.head(half), text.str.slice(half, 1), text.str.slice(half)),
    )
    wrong = text.str.replace_many(
        ["社区", "花园", "街道", "公寓", "村"], ["社区居", "化园", "街到", "公禺", "邨"]
    )
    return _swap(frame, column, did("typo_word", typo & (kind == 2)), wrong), done


def _identities(
    frame: pl.DataFrame, column: str, rates: Mapping[str, float], rng: np.random.Generator
) -> pl.DataFrame:
    n, text = len(frame), pl.col(column)
    lower = pl.when(text.str.ends_with("X")).then(text.str.replace("X$", "x")).otherwise(text)
    last = text.str.slice(17, 1)
    other = pl.when(last == "7").then(pl.lit("8")).otherwise(pl.lit("7"))
    wrong = pl.when(text.str.len_chars() == 18).then(pl.concat_str(text.str.head(17), other)).otherwise(text)
    frame = _swap(frame, column, _mask(rng, n, rates["identity_lower"]), lower)
    frame = _swap(frame, column, _mask(rng, n, rates["identity_wrong"]), wrong)
    return _swap(frame, column, _mask(rng, n, rates["identity_missing"]), pl.lit(None, dtype=pl.String))


def _dates(frame: pl.DataFrame, column: str, rate: float, rng: np.random.Generator) -> pl.DataFrame:
    n, text = len(frame), pl.col(column)
    mask, way = _mask(rng, n, rate), rng.integers(0, 3, n)
    year, month, day, rest = (
        text.str.slice(0, 4),
        text.str.slice(5, 2),
        text.str.slice(8, 2),
        text.str.slice(10),
    )
    short_month, short_day = month.str.replace("^0", ""), day.str.replace("^0", "")
    frame = _swap(
        frame,
        column,
        mask & (way == 0),
        pl.concat_str(year, pl.lit("/"), short_month, pl.lit("/"), short_day, rest),
    )
    packed = pl.concat_str(year, month, day, rest.str.replace_all("[ :]", ""))
    frame = _swap(frame, column, mask & (way == 1), packed)
    chinese = pl.concat_str(year, pl.lit("年"), short_month, pl.lit("月"), short_day, pl.lit("日"), rest)
    return _swap(frame, column, mask & (way == 2), chinese)
