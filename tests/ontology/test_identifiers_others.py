"""Phones, permits, real estate units, vehicle identification numbers, masks and hashes."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.identifiers import (
    Check,
    check_mobile,
    check_permit,
    check_phone,
    check_property_unit,
    check_vin,
    identity_hash,
    identity_hashes,
    make_citizen_id,
    make_vin,
    mask_citizen_id,
    mask_document,
    mask_mobile,
    mask_name,
)


@pytest.mark.parametrize(
    "text",
    [
        "13800001234",
        "+86 138 0000 1234",
        "0086-13800001234",
        "8613800001234",
        "１３８００００１２３４",
        "+86(138)0000-1234",
    ],
)
def test_mobiles(text: str) -> None:
    verdict = check_mobile(text)
    assert (verdict.normal, verdict.kind, verdict.ok, verdict.region) == (
        "13800001234",
        "mobile",
        True,
        Check.OK,
    )


@pytest.mark.parametrize(
    "text", ["", "12800001234", "1380000123", "138000012345", "057182830000", "+1 13800001234"]
)
def test_what_is_no_mobile(text: str) -> None:
    assert check_mobile(text).form is Check.BAD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19800001234", Check.OK),
        ("16600001234", Check.OK),
        ("14600001234", Check.UNKNOWN),
        ("15400001234", Check.UNKNOWN),
        ("17400001234", Check.OK),
        ("17490001234", Check.UNKNOWN),
    ],
)
def test_ranges_are_a_warning(text: str, expected: Check) -> None:
    verdict = check_mobile(text)
    assert (verdict.region, verdict.ok) == (expected, True)


@pytest.mark.parametrize(
    ("text", "normal", "kind"),
    [
        ("13800001234", "13800001234", "mobile"),
        ("82830000", "0571-82830000", "landline"),
        ("0571-82830000", "0571-82830000", "landline"),
        ("(0571)82830000转801", "0571-82830000", "landline"),
        ("+86 571 8283 0000", "0571-82830000", "landline"),
        ("010-62830000", "010-62830000", "landline"),
    ],
)
def test_phones(text: str, normal: str, kind: str) -> None:
    verdict = check_phone(text)
    assert (verdict.normal, verdict.kind) == (normal, kind)


@pytest.mark.parametrize("text", ["", "110", "0571", "不详"])
def test_what_is_no_phone(text: str) -> None:
    assert not check_phone(text).ok


ID = make_citizen_id("330109", "19900101", 123)


@pytest.mark.parametrize(
    ("text", "kind", "found", "form"),
    [
        (ID, None, "citizen", Check.OK),
        (ID, "residence_permit", "citizen", Check.OK),
        ("H12345678", None, "hong_kong_macao_travel", Check.OK),
        ("M1234567801", None, "hong_kong_macao_travel", Check.OK),
        ("H1234567(01)", "hong_kong_macao_travel", None, Check.BAD),
        ("12345678", None, "taiwan_travel", Check.OK),
        ("1234567890A", "taiwan_travel", "taiwan_travel", Check.OK),
        ("C12345678", None, "exit_entry", Check.OK),
        ("CA1234567", None, "exit_entry", Check.OK),
        ("USA330085010112", None, "foreign_permanent_old", Check.OK),
        ("E12345678", None, "passport", Check.UNKNOWN),
        ("e12345678", "passport", "passport", Check.OK),
        ("ABCDEFG", "passport", "passport", Check.UNKNOWN),
        ("无", None, None, Check.BAD),
        ("H12345678", "citizen", None, Check.BAD),
    ],
)
def test_permits(text: str, kind: str | None, found: str | None, form: Check) -> None:
    verdict = check_permit(text, kind)
    assert (verdict.kind, verdict.form) == (found, form)


def test_old_foreigners_cards_have_a_date() -> None:
    assert check_permit("USA330085130112", "foreign_permanent_old").date is Check.BAD


def test_unknown_kind_of_permit() -> None:
    with pytest.raises(ValueError, match="kind"):
        check_permit("1", "driving")


def test_real_estate_units() -> None:
    verdict = check_property_unit("330109 001001 GB00001 F00010001")
    assert (verdict.normal, verdict.ok, verdict.division) == ("330109001001GB00001F00010001", True, "330109")
    assert not check_property_unit("330109001001GB00001F0001000").ok


@given(
    st.text(alphabet="ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=5, max_size=5),
    st.text(alphabet="ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=8, max_size=8),
)
def test_vehicle_identification_numbers(description: str, rest: str) -> None:
    vin = make_vin("LSX", description, rest)
    assert check_vin(vin.lower()).ok and check_vin(vin).normal == vin
    other = "1" if vin[8] == "0" else "0"
    assert check_vin(vin[:8] + other + vin[9:]).checksum is Check.BAD


def test_vin_of_ones() -> None:
    # The example that ISO 3779's readers know: seventeen ones are valid.
    assert check_vin("1" * 17).ok
    assert check_vin("1" * 16 + "I").form is Check.BAD


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张小明", "张*明"),
        ("张明", "张*"),
        ("欧阳小明", "欧阳*明"),
        ("欧阳明", "欧阳*"),
        ("东方", "东*"),
        ("张小明明", "张**明"),
        ("张", "*"),
        ("", ""),
        ("艾力·买买提", "艾*·***"),
        ("John Smith", "J*** S****"),
    ],
)
def test_masked_names(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_masked_numbers() -> None:
    assert mask_citizen_id("330109199001011234") == "330109********1234"
    assert mask_citizen_id("330109900101123") == "330109*****1123"
    assert mask_citizen_id("E12345678") == mask_document("E12345678") == "E1*****78"
    assert mask_document("ABC") == "A**"
    assert mask_mobile("13812345678") == "138****5678"
    assert mask_mobile("0571-82831234") == "0571-8283****"
    assert mask_mobile("110") == "1**"


@given(st.text(min_size=1, max_size=40))
def test_a_mask_keeps_length_and_hides_something(text: str) -> None:
    assert len(mask_document(text)) == len(text)
    assert "*" in mask_document(text)
    assert "*" in mask_citizen_id(text)
    assert "*" in mask_mobile(text)


def test_identity_hash() -> None:
    expected = hmac.new(b"key", ID.encode(), hashlib.sha256).hexdigest()[:32]
    assert identity_hash(b"key", ID) == expected
    assert identity_hash(b"other", ID) != expected
    assert identity_hashes(b"key", [ID, None]) == [expected, None]
    for call in (lambda: identity_hash(b"", ID), lambda: identity_hashes(b"", [ID])):
        with pytest.raises(ValueError, match="key"):
            call()
