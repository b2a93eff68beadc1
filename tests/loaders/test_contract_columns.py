"""What is checked as columns has the same verdict as what is checked value by value, for every type."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import contract
from loaders.declaration import Check, Column, ColumnType, Feed, feeds_taking, load_feeds
from loaders.transforms import each
from ontology.identifiers import make_citizen_id, make_uscc
from ontology.terms import CATALOG, load_terms

TERMS = load_terms()
FEEDS = load_feeds(CATALOG / "feeds")
RESIDENT = make_citizen_id("330109", "1990-01-01", 11)
KINDS = [kind for kind in ColumnType if kind not in (ColumnType.TEXT, ColumnType.LIST, ColumnType.TERM)]
_SEEDS = [
    RESIDENT, RESIDENT.lower(), make_citizen_id("330181", "1899-12-31", 999), make_citizen_id("810000", "2000-02-29", 2),
    make_uscc("9", "1", "330109", "MA2B0001"), "330109900101011", "H12345678", "E12345678", "3.30109E+17", "9.13301E17",
    "330109199001011000", "13800000001", "+86 138-0000-0001", "0571-82831234", "1.38E10", "13800000001.0", "19900000000",
    "2024-02-29", "2023-02-29", "0000-01-01", "1582-10-10", "2025-01-05 08:30:00", "2025-01-05T08:30:00", "2025/1/5 8:05",
    "2025-01-05 24:00:00", "2025-01-05 23:59:60", "20250105", "45275", "1", "01", "-3", "3.50", "1e3", "1,200", "0.00001",
    "是", "无", "TRUE", "浙A12345", "浙AD12345", "杭州123456",
]  # fmt: skip
_EDITS = "0123456789Xx-:. /T０９Ａ年月日\t"


@st.composite
def written(draw: st.DrawFn) -> str:
    """A value of some type, as it is or with a few characters changed, put in or taken out."""
    text = list(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 1))] = draw(st.sampled_from(["", *_EDITS]))
    return "".join(text)


def both(kind: ColumnType, values: list[str]) -> tuple[list[str | None], list[str | None]]:
    """The values of a column by its common form and what is left; and one by one."""
    column = Column(type=kind)
    normalise = contract._normaliser(column, TERMS)
    assert normalise is not None
    given_ = pl.Series("列", values, dtype=pl.String)
    common = contract._common(kind, given_)
    rest = each(given_, normalise).to_list()
    if common is None:
        return rest, rest
    return [c if c is not None else r for c, r in zip(common, rest, strict=True)], [
        normalise(v) for v in values
    ]


@pytest.mark.parametrize("kind", KINDS)
@given(values=st.lists(written(), min_size=1, max_size=20))
def test_a_column_has_the_verdict_of_its_values(kind: ColumnType, values: list[str]) -> None:
    by_column, one_by_one = both(kind, values)
    assert by_column == one_by_one


@pytest.mark.parametrize("kind", [k for k in KINDS if k in contract._NORMALISERS])
def test_the_usual_values_have_one_too(kind: ColumnType) -> None:
    by_column, one_by_one = both(kind, _SEEDS)
    assert by_column == one_by_one
    assert any(one_by_one)


@pytest.mark.parametrize("kind", ["citizen_id", "identity", "uscc", "mobile"])
@pytest.mark.parametrize(
    "value",
    ["3.30109E+17", "3.30109E17", "3.30109e17", "3.30109199001011E+17", "1.38E10", "1.38E+10", "9.13301E17"],
)
def test_scientific_notation_is_no_number_of_anything(kind: str, value: str) -> None:
    declared = FEEDS["residents"].model_copy(
        update={"columns": {"人口编号": Column(), "列": Column(type=ColumnType(kind))}}
    )
    rows = pl.DataFrame({"人口编号": ["1"], "列": [value]})
    found = contract.check(declared.model_copy(update={"derive": {}}), rows, TERMS)
    assert found.rows.height == 0
    assert "its last digits are lost" in found.rejections[0].en


def test_a_number_with_a_fraction_is_no_passport() -> None:
    assert contract._citizen("13800000001.0") is None
    assert contract._citizen("E12345678") == "E12345678"


@pytest.mark.parametrize("name", FEEDS)
def test_a_file_of_unknown_name_finds_its_feed_by_the_columns_it_may_not_lack(name: str) -> None:
    feed: Feed = FEEDS[name]
    whole = list(feed.columns)
    assert feeds_taking(FEEDS.values(), "未命名.csv", whole) == [feed]
    lacking = next(c for c, spec in feed.columns.items() if not spec.optional)
    assert feed not in feeds_taking(FEEDS.values(), "未命名.csv", [c for c in whole if c != lacking])


def test_many_repeated_values_are_told_at_once() -> None:
    feed = FEEDS["residents"].model_copy(
        update={
            "columns": {"人口编号": Column(), "编号": Column()},
            "checks": [Check(column="编号", unique=True)],
            "derive": {},
        }
    )
    size = 20_000
    rows = pl.DataFrame(
        {
            "人口编号": [str(i) for i in range(size)],
            "编号": [str(i % 2) if i % 2 else " 0 " for i in range(size)],
        }
    )
    found = contract.check(feed, rows, TERMS)
    assert found.rows.get_column("人口编号").to_list() == ["0", "1"]
    assert (found.rejected_rows, len(found.rejections)) == (size - 2, size - 2)
    assert [(r.row, r.en) for r in found.rejections[:2]] == [
        (4, "is the same as in row 2"),
        (5, "is the same as in row 3"),
    ]
