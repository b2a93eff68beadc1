"""The start page and the examples as text."""

from __future__ import annotations

from pathlib import Path

from graphql import parse

from web.examples import Example, load_examples
from web.pages import Count, Start, start_page


def page(**given: object) -> str:
    start = {
        "name": "萧山区",
        "today": "2025-12-15",
        "synthetic": True,
        "counts": [],
        "examples": [],
        "documents": [],
    }
    return start_page(Start(**(start | given)))  # type: ignore[arg-type]


def test_what_the_start_page_shows() -> None:
    example = Example("one", "一", "One", '{ a(b: "<x>") }', {"code": "330109<"})
    text = page(counts=[Count("人", "people", 12345)], examples=[example], documents=["errors.md"])
    assert "<h1>萧山区</h1>" in text
    assert "12,345" in text
    assert "合成数据" in text
    assert "Synthetic data" in text
    assert "&lt;x&gt;" in text
    assert "330109&lt;" in text
    assert 'href="/graphql#example=one"' in text
    assert 'href="/docs/errors.md"' in text


def test_names_are_escaped() -> None:
    assert "<script>x" not in page(name="<script>x")


def test_real_data_has_no_notice_of_synthetic_data() -> None:
    assert "合成数据" not in page(synthetic=False)


def test_an_empty_graph_and_none() -> None:
    assert "quanxi demo" in page()
    assert "/readyz" in page(counts=None)


def test_examples_have_titles_and_read_as_graphql() -> None:
    examples = load_examples()
    assert len(examples) == 6
    for example in examples:
        parse(example.query)
        assert example.zh
        assert example.en
        assert example.query.startswith(f"# {example.zh} · {example.en}\n")


def test_variables_are_filled_from_the_district(tmp_path: Path) -> None:
    (tmp_path / "1-a.graphql").write_text('# 甲 · A\n# variables: {"c": "$street", "n": 3}\n{ a }\n', "utf-8")
    (tmp_path / "2-b.graphql").write_text("{ b }", "utf-8")
    (tmp_path / "2-b.variables.json").write_text('{"d": 1}', "utf-8")
    first, second = load_examples(tmp_path)
    assert first.name == "a"
    assert first.query == "# 甲 · A\n{ a }"
    assert first.filled({"street": "330109001"}).variables == {"c": "330109001", "n": 3}
    assert second.variables == {"d": 1}
