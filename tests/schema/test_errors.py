"""Errors as the API tells them, and the page that lists them."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from ontology.errors import EngineError, UsageError
from schema.errors import ERROR_CODES, document, status_of, tell

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = build_schema("type Query { a(code: String!, n: Int): A } type A { b: String! }")


def told_of(query: str, variables: dict[str, object] | None = None) -> dict[str, str]:
    result = graphql_sync(SCHEMA, query, variable_values=variables)
    assert result.errors
    extensions: dict[str, str] = tell(result.errors[0], "r1")["extensions"]
    return extensions


def test_ours_passes_through_in_both_languages() -> None:
    error = GraphQLError(
        "x", path=["a"], original_error=UsageError("BAD_CODE", "编码有误。", "Not a code.", "Look.")
    )
    told = tell(error, "r1")
    assert told == {
        "message": "Not a code.",
        "path": ["a"],
        "extensions": {
            "code": "BAD_CODE",
            "messageZh": "编码有误。",
            "messageEn": "Not a code.",
            "hint": "Look.",
            "requestId": "r1",
        },
    }


@pytest.mark.parametrize(
    ("query", "zh", "argument"),
    [
        ("{ a(", "语法错误", None),
        ("{ zz }", "类型 Query 没有字段 zz", None),
        ('{ a(code: "1", m: 2) { b } }', "没有参数 m", "m"),
        ("{ a { b } }", "缺少参数", "code"),
        ('{ a(code: "1") }', "须写明子字段", None),
        ("query($c: String!) { a(code: $c) { b } }", "缺少变量 $c", "c"),
        ("query($n: Int) { a(code: $n) { b } }", "与参数的类型不合", "n"),
    ],
    ids=["syntax", "field", "argument", "required", "leaf", "variable", "variable type"],
)
def test_mistakes_in_a_query(query: str, zh: str, argument: str | None) -> None:
    told = told_of(query)
    assert told["code"] == "BAD_ARGUMENT"
    assert zh in told["messageZh"]
    assert told.get("argument") == argument


def test_the_unforeseen_is_told_nothing_of_and_logged_without_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise ZeroDivisionError("person 330109199001011234")
    except ZeroDivisionError as error:
        with caplog.at_level(logging.ERROR, "quanxi.errors"):
            told = tell(GraphQLError("x", original_error=error), "r9")
    assert told["extensions"]["code"] == "INTERNAL"
    assert "330109" not in str(told)
    (record,) = caplog.records
    logged = record.told  # type: ignore[attr-defined]
    assert logged["requestId"] == "r9"
    assert logged["error"] == "ZeroDivisionError"
    assert "330109" not in str(logged)
    assert any("test_errors.py" in frame for frame in logged["at"])


def test_null_for_a_required_field_is_our_mistake() -> None:
    result = graphql_sync(SCHEMA, '{ a(code: "1") { b } }', {"a": {"b": None}})
    assert result.errors
    assert tell(result.errors[0], "r1")["extensions"]["code"] == "INTERNAL"


@pytest.mark.parametrize("code", ["GRAPH_UNAVAILABLE", "ENGINE_AUTH", "ENGINE_DISK_FULL"])
def test_what_is_wrong_with_the_engine_is_not_told_to_askers(code: str) -> None:
    told = tell(EngineError(code, "bolt://10.0.0.1", "bolt://10.0.0.1 is away"), "r1")
    assert told["extensions"]["code"] == "GRAPH_UNAVAILABLE"
    assert "10.0.0.1" not in str(told)


def test_timeout() -> None:
    assert tell(TimeoutError(), "r1")["extensions"]["code"] == "TIMEOUT"


def test_codes_are_whole() -> None:
    for code, entry in ERROR_CODES.items():
        assert code == entry.code
        assert re.fullmatch(r"[A-Z_]+", code)
        assert re.search(r"[\u4e00-\u9fff]", entry.zh), code
        assert entry.en
        assert entry.remedy
        assert 400 <= status_of(code) < 600


def test_page_is_current() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert page == document(ROOT), "run: python -m schema.errors > docs/errors.md"
