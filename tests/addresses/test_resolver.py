"""The resolver over a drawn gazetteer: hard texts, namesakes, sentences, changes, and any text at all."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.index import Index, Place
from addresses.resolution import Outcome
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from ontology.reading import read_yaml
from tests.addresses.drawn import drawn

HERE = Path(__file__).parent
SCHEME = load_scheme()


@lru_cache(maxsize=1)
def resolver() -> AddressResolver:
    return AddressResolver(Index.of(SCHEME, drawn()))


TEXTS: list[dict[str, Any]] = read_yaml((HERE / "texts.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", TEXTS, ids=[case["text"] for case in TEXTS])
def test_hard_texts(case: dict[str, Any]) -> None:
    found = resolver().resolve(case["text"])
    assert found.outcome == case.get("outcome", "RESOLVED")
    if "is" in case:
        assert found.best is not None
        assert found.best.code == case["is"]
        assert found.best.because
    if "among" in case:
        assert sorted(a.code for a in found.alternatives) == sorted(case["among"])


WAYS: dict[str, Any] = read_yaml((HERE / "many_ways.yaml").read_text(encoding="utf-8"))
LESS: dict[str, list[str]] = WAYS.pop("less")


@pytest.mark.parametrize("code", WAYS)
def test_many_ways_to_write_one_place(code: str) -> None:
    said = {text: resolver().resolve(text) for text in WAYS[code]}
    assert [
        t for t, r in said.items() if r.best is None or (r.outcome, r.best.code) != ("RESOLVED", code)
    ] == []


@pytest.mark.parametrize("code", LESS)
def test_what_is_not_understood_is_no_other_place(code: str) -> None:
    for text in LESS[code]:
        found = resolver().resolve(text)
        if found.outcome == Outcome.RESOLVED:
            assert found.best is not None
            # A road or an estate stands for what it lies in.
            index = resolver().index
            at = index.at(found.best.code)
            assert at is not None
            assert code.startswith(next(c for x in index.chain(at) if (c := index.code(x)).isdigit())), text
        else:
            assert found.outcome in (Outcome.ASK, Outcome.UNRESOLVED)


MORE = [
    Place("330109004236", "COMMUNITY", "五联村"),
    Place("330109004237", "COMMUNITY", "张潭村"),
    *(
        place
        for i, name in enumerate(("潘水五苑", "江南右岸", "崇化六区", "金色江湾"))
        for place in (
            Place(f"E3301090010{i}", "ESTATE", name, parent="330109001031"),
            Place(
                f"33010900103110{i:02d}",
                "BUILDING",
                "4幢",
                f"萧山区城厢街道丁家庄社区{name}4幢",
                part_of=(f"E3301090010{i}",),
            ),
        )
    ),
]


@pytest.mark.parametrize(
    "text",
    [
        "潘水三苑4幢", "城厢街道潘水三苑4幢", "江南左岸4幢", "城厢街道江南左岸4幢", "崇化木区4幢", "金色江浦4幢", "金色江河4幢", "金色江园4幢",
        "三联村3组12号", "新塘街道三联村3组12号", "张湾村3组12号", "新城街道", "街前镇", "天台街前镇", "宁围街道建设三路9号",
        "绍兴路恒字大厦1204", "张三恒字大厦1204", "330109002,330109113", "不在330109113", "330109002对面", "电话330109113",
    ],
)  # fmt: skip
def test_what_looks_or_sounds_alike_is_not_taken_for_it_where_places_are_told_apart_by_it(text: str) -> None:
    found = AddressResolver(Index.of(SCHEME, [*drawn(), *MORE])).resolve(text)
    deep = (
        found.outcome == Outcome.RESOLVED and found.best is not None and found.best.level not in ("STREET",)
    )
    assert not deep or (found.best is not None and found.best.code == "330109001031")
    if found.outcome == Outcome.RESOLVED:
        assert found.best is not None
        # What is named right: the street that stands there.
        assert any(w in text for w in ("城厢街道", "新塘街道", "宁围街道"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # What is no unit though it looks or sounds like one.
        ("河上镇东山村三姐12号", "330109103259"),
        ("河上镇东山村李三姐12号", "330109103259"),
        ("jinchenglu 21 shi xin lu", "3301090020010003"),
        ("Dongfang Mingyuan 4 zhuang 2 danyuan 602", "3301090020010001020602"),
        ("东方名苑4幡2单元1802室", "3301090020010001021802"),
    ],
)
def test_what_is_written_for_a_unit(text: str, code: str) -> None:
    found = resolver().resolve(text)
    assert found.best is not None
    assert (found.outcome, found.best.code) == ("RESOLVED", code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("330109002001东方名苑4幢301", "3301090020010001"),
        ("330109002附近的金城路21号", "3301090020010003"),
        ("地址码：3301090020010003", "3301090020010003"),
        (" 3301090020010003 ", "3301090020010003"),
    ],
)
def test_a_code_is_answered_where_nothing_else_is_said(text: str, code: str) -> None:
    found = resolver().resolve(text)
    assert found.best is not None
    assert (found.outcome, found.best.code) == ("RESOLVED", code)


def test_encoded_elements_stand_apart() -> None:
    text = quote("河上镇东山村3组12号")[:-6]
    spans = [(e.start, e.end) for e in resolver().resolve(text).parse]
    assert spans[0] == (0, 27)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("case", TEXTS, ids=[case["text"] for case in TEXTS])
def test_elements_are_characters_of_the_text(case: dict[str, Any]) -> None:
    text = case["text"]
    end = 0
    for element in resolver().resolve(text).parse:
        assert end <= element.start < element.end <= len(text)
        assert element.text == text[element.start : element.end]
        end = element.end


def test_near_decides_between_namesakes() -> None:
    text = "东山村3组12号"
    assert resolver().resolve(text).outcome == Outcome.ASK
    by = resolver().resolve(text, near="330109103")
    assert by.outcome == Outcome.RESOLVED
    assert by.best is not None
    assert by.best.code == "3301091032590001"
    # What is said outweighs what is near.
    said = resolver().resolve("进化镇东山村3组12号", near="330109103")
    assert said.best is not None
    assert said.best.code == "3301091042560001"


SENTENCES: list[dict[str, Any]] = read_yaml((HERE / "sentences.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", SENTENCES, ids=[case["text"][:12] for case in SENTENCES])
def test_places_in_sentences(case: dict[str, Any]) -> None:
    text = case["text"]
    found = resolver().places_in(text)
    assert [text[start:end] for start, end, _ in found] == [p["piece"] for p in case["places"]]
    for (_, _, said), expected in zip(found, case["places"], strict=True):
        assert said.outcome == expected.get("outcome", "RESOLVED")
        if "is" in expected:
            assert said.best is not None
            assert said.best.code == expected["is"]
        for element in said.parse:
            assert text[element.start : element.end] == element.text


def test_written_alike_is_read_alike() -> None:
    texts = [
        "东方名苑4幢1单元301室",
        "東方名苑４幢1單元301室",
        "东方名苑 4幢 1单元 301室",
        "东方名苑4幢1单元301室",
    ]
    found = resolver().resolve_all(texts)
    assert [f.best.code for f in found if f.best] == ["3301090020010001010301"] * 4
    assert found[0] is found[3]
    assert resolver().normal(texts[1]) == resolver().normal(texts[2]) == texts[0]


def test_at_most_so_many_alternatives() -> None:
    assert len(resolver().resolve("人民路20号", first=1).alternatives) == 1


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    found = resolver().resolve(text)
    for element in found.parse:
        assert text[element.start : element.end] == element.text
    for start, end, _ in resolver().places_in(text):
        assert 0 <= start < end <= len(text)


_PARTS = st.sampled_from(
    ["萧山区", "北干街道", "东方名苑", "东山村", "紫霞", "金城路", "4幢", "1单元", "301室", "3组", "12号", "#", "-", "滨江区", "与", "路口", "东50米", "，", "。", " ", "19900000001",
     "某某", "市心路", "建设一路", "(居委)", "🏠", "\u200b", "㎡"]
)  # fmt: skip


@given(st.lists(_PARTS, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_row_of_address_parts(text: str) -> None:
    found = resolver().resolve(text)
    assert (found.best is not None) or found.outcome != Outcome.RESOLVED
    known = resolver().index
    for candidate in (found.best, *found.alternatives):
        if candidate is not None:
            at = known.at(candidate.code)
            assert at is not None
            assert known.level(at) == candidate.level
            assert 0 <= candidate.confidence <= 1
    assert [a.confidence for a in found.alternatives] == sorted(
        (a.confidence for a in found.alternatives), reverse=True
    )
    for element in found.parse:
        assert text[element.start : element.end] == element.text


@pytest.mark.parametrize(
    "piece", ["东", "东山村", "1", "4幢", "与", "(", "-1", "一", "东方名苑4幢", "滨江区", "某", "，"]
)
def test_work_grows_with_the_length_of_a_text_and_no_faster(piece: str) -> None:
    """Counted by what is looked up, not timed."""

    class Counting(Index):
        looked: int

        def children(self, anchor: int, key: str) -> list[int]:
            self.looked += 1
            return super().children(anchor, key)

        def lineage(self, at: int) -> tuple[int, ...]:
            self.looked += 1
            return super().lineage(at)

    counted = Counting.of(SCHEME, drawn())
    assert isinstance(counted, Counting)
    reader = AddressResolver(counted)
    spent = []
    for length in (400, 800):
        counted.looked = 0
        reader.places_in((piece * length)[:length])
        spent.append(counted.looked)
    assert spent[1] <= 2.5 * spent[0] + 200


def test_a_long_text_is_read_to_a_bound() -> None:
    text = "东方名苑4幢1单元301室" + "，" * 200_000 + "紫霞村"
    found = resolver().resolve(text)
    assert found.best is not None
    assert found.best.code == "3301090020010001010301"
