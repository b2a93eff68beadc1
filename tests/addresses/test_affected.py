"""A text that means something else once a place has come, gone or changed is among those that are read again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from addresses.affected import Named, folded, may_be, may_name, variants
from addresses.scheme import load_scheme
from ledger import Keyring, Ledger, Records
from loaders.mapping import place_key
from loaders.places import PlaceBase
from tests.addresses.records import records, texts


def found(texts: Iterable[str], names: list[Named]) -> list[str]:
    frame = pl.DataFrame({"text": list(texts)})
    return frame.filter(may_name(folded(pl.col("text")), names)).get_column("text").to_list()


@pytest.mark.parametrize(
    ("text", "own", "upper"),
    [
        ("北干街道金帝花园3幢", "金帝花园", ""),
        ("北幹街道錦弟花園3幢", "金帝花园", ""),
        ("金帝３幢", "金帝花园", ""),
        ("金帝花园三幢1单元301室", "301室", "金城社区金帝花园3幢1单元"),
        ("金帝花园十二幢", "12幢", "金城社区金帝花园"),
        ("金帝花园1-5幢", "3幢", "金城社区金帝花园"),
        ("金帝花园3幢2楼01室", "201室", "金城社区金帝花园3幢"),
        ("3幢1单元301室", "301室", "金城社区金帝花园3幢1单元"),
        ("金城路１５号", "金城路15号", ""),
        ("紫霞", "紫霞村", ""),
        ("甲单元301", "1单元", "金帝花园3幢"),
        # As characters of like shape, encoded, in pinyin, or as a code alone.
        ("东由材", "东山村", ""),
        (quote("东山村3组"), "东山村", ""),
        (r"\u4e1c\u5c71\u6751", "东山村", ""),
        ("&#x4e1c;&#x5c71;", "东山村", ""),
        ("dongshan cun", "东山村", ""),
        ("地址码:330109103259", "东山村", ""),
    ],
)
def test_may_speak_of_it(text: str, own: str, upper: str) -> None:
    assert found([text], [Named(own, upper)]) == [text]


@pytest.mark.parametrize(
    ("text", "own", "upper"),
    [
        ("北干街道金帝花园3幢", "东方名苑", ""),
        ("金帝花园3幢1单元401室", "902室", "金城社区金帝花园3幢1单元"),
        ("东方名苑3幢1单元301室", "301室", "利一村建设一路9号"),
        ("人民路20号", "市心中路", ""),
    ],
)
def test_does_not_speak_of_it(text: str, own: str, upper: str) -> None:
    assert found([text], [Named(own, upper)]) == []


def test_an_encoded_text_may_be_what_it_stands_for() -> None:
    """By which a person's pick is found again: the normal form is in the characters themselves."""
    frame = pl.DataFrame({"text": [quote("金帝花园3幢"), "金帝花园3幢", "东方名苑3幢"]})
    kept = frame.filter(may_be(folded(pl.col("text")), "金帝花园3幢")).get_column("text").to_list()
    assert kept == [quote("金帝花园3幢"), "金帝花园3幢"]


def test_forms_of_a_character() -> None:
    assert {"东", "東", "冬"} <= set(variants("东"))
    assert variants("东", sound=False) == ("东", "東")


def test_a_normal_form_is_found_in_every_writing() -> None:
    frame = pl.DataFrame({"text": ["蕭山區北幹街道 金城路１５號", "金城路15号", "市心路15号"]})
    kept = frame.filter(may_be(folded(pl.col("text")), "金城路15号")).get_column("text").to_list()
    assert kept == ["蕭山區北幹街道 金城路１５號", "金城路15号"]


@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_no_text_keeps_a_meaning_that_it_no_longer_has(
    tmp_path_factory: pytest.TempPathFactory, dice: random.Random
) -> None:
    directory = tmp_path_factory.mktemp("affected")
    ledger = Ledger(directory, Keyring("ab" * 32))
    store = Records(ledger.directory, ledger.vault)
    places = PlaceBase(load_scheme(), store, ledger)
    keys = [place_key(None, text, None, None) for text in texts()]
    places.taking()
    late = dice.sample(records(), 60)
    for record in records():
        if record not in late:
            places.put(record)
    with store.transaction():
        places.changed()
        for key in keys:
            places.held(key)
        places.keep()
    again = 0
    for _ in range(5):
        changes, late = late[:12], late[12:]
        places.taking()
        for record in changes:
            places.put(record)
        one = dice.choice(records())
        places.put(replace(one, name=one.name + "新", names=(one.names[0] + "新", *one.names[1:])))
        with store.transaction():
            again += len(places.changed())
            places.keep()
    whole = PlaceBase(load_scheme(), store, ledger)
    whole.taking()
    for record in places.gazetteer.places():
        whole.put(record)
    whole.taken()
    for key in keys:
        assert places.held(key) == whole._keys.resolve(key), key
    assert 0 < again < 5 * len(keys)
    store.close()
    ledger.close()
