from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.identifiers import Check, check_ebike_plate, check_plate


@pytest.mark.parametrize(
    ("text", "normal", "kind"),
    [
        ("浙A·12345", "浙A12345", "ordinary"),
        ("浙a 8k9z6", "浙A8K9Z6", "ordinary"),
        ("浙Ａ－１２３４５", "浙A12345", "ordinary"),
        ("浙AD12345", "浙AD12345", "new_energy_small"),
        ("浙AFA1234", "浙AFA1234", "new_energy_small"),
        ("浙A12345D", "浙A12345D", "new_energy_large"),
        ("浙A1234挂", "浙A1234挂", "trailer"),
        ("浙A1234学", "浙A1234学", "learner"),
        ("浙A1234警", "浙A1234警", "police"),
        ("浙O12345", "浙O12345", "police"),
        ("粤Z1234港", "粤Z1234港", "hong_kong"),
        ("粤ZA123澳", "粤ZA123澳", "macao"),
        ("沪A1234领", "沪A1234领", "consulate"),
        ("使014578", "使014578", "embassy"),
        ("224578使", "224578使", "embassy"),
        ("WJ浙1234X", "WJ浙1234X", "armed_police"),
        ("VA12345", "VA12345", "military"),
        ("南A12345", "南A12345", "military"),
        ("浙X·0123应急", "浙X0123应急", "emergency"),
    ],
)
def test_kinds(text: str, normal: str, kind: str) -> None:
    verdict = check_plate(text)
    assert (verdict.normal, verdict.kind, verdict.ok) == (normal, kind, True)
    assert verdict.checksum is Check.NOT_APPLICABLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "无牌",
        "浙A1234",
        "浙A1234I",
        "浙AO2345",
        "浙I12345",
        "浙AL12345",
        "浙A123456",
        "区A12345",
        "A12345",
        "杭州A123456",
    ],
)
def test_bad_forms(text: str) -> None:
    assert check_plate(text).form is Check.BAD


def test_authorities() -> None:
    assert check_plate("浙A12345").region is Check.OK
    assert check_plate("浙A12345").division == "浙A"
    assert check_plate("皖H12345").region is Check.UNKNOWN
    odd = check_plate("浙Z12345")
    assert (odd.region, odd.ok) == (Check.BAD, True)
    assert check_plate("使014578").region is Check.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("杭州 A123456", "杭州A123456"),
        ("杭州·0123456", "杭州0123456"),
        ("浙江杭州123456", "杭州123456"),
        ("杭A12345", "杭州A12345"),
    ],
)
def test_ebikes_are_another_register(text: str, normal: str) -> None:
    verdict = check_ebike_plate(text)
    assert (verdict.normal, verdict.kind) == (normal, "ebike")
    assert not check_plate(text).ok
    assert check_ebike_plate(normal).normal == normal


@pytest.mark.parametrize("text", ["浙A12345", "浙AD12345", "", "杭州", "杭州12"])
def test_what_is_no_ebike(text: str) -> None:
    assert not check_ebike_plate(text).ok


@given(st.text(max_size=12))
def test_no_text_breaks_it(text: str) -> None:
    for check in (check_plate, check_ebike_plate):
        verdict = check(text)
        if verdict.normal is not None:
            assert check(verdict.normal) == verdict
