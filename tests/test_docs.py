"""The documents: generated ones are current, all is documented, links resolve, nothing leaks."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from graphql import parse, validate

import cli
from docs import hard_texts
from loaders import document as feed_document
from loaders.declaration import load_feeds
from ontology import ENTITIES, LINKS, document
from ontology.terms import CATALOG
from schema import build_schema
from schema.errors import ERROR_CODES
from settings import Settings, environment_name

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
BY_HAND = "README.md CHANGELOG.md CONTRIBUTING.md LICENSE NOTICE".split()
DOCS = "api architecture errors feeds glossary ontology operations pole push seeding".split()
_ERROR_CLASSES = re.compile(r"(?:Quanxi|Usage|Engine)Error")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_GRAPHQL = re.compile(r"^```graphql\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Put together here, so that this file does not hold what it looks for.
_HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"),
    ("repo1", "maven", "org"), ("repo", "maven", "apache", "org"), ("proxy", "golang", "org"),
    ("mirrors", "aliyun", "com"), ("pypi", "tuna", "tsinghua"),
)]  # fmt: skip
_PATHS = [f"/{name}/" for name in ("root", "home/user", "work/main", "work/shared")]


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def all_docs() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def headings(page: str) -> list[str]:
    return _HEADING.findall(_FENCE.sub("", text(page)))


# -- they are there, and current -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BY_HAND, *(f"docs/{name}.md" for name in DOCS)])
def test_document_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_ontology_page_is_current() -> None:
    assert text("docs/ontology.md") == document.ontology_page(), "run: python -m ontology.document"


def test_glossary_is_current() -> None:
    page = text("docs/glossary.md")
    part = document.replace_part(page, "glossary", document.glossary_part())
    assert page == part, "run: python -m ontology.document"


def test_feeds_page_is_current() -> None:
    page = text("docs/feeds.md")
    assert page == document.replace_part(page, "feeds", feed_document.feeds_part()), (
        "run: python -m loaders.document"
    )


def test_committed_schema_is_current() -> None:
    from schema import sdl

    assert text("schema.graphql") == sdl(), "run: quanxi schema > schema.graphql"


def test_hard_texts_are_current() -> None:
    page = text("docs/addresses.md")
    assert page == hard_texts.written(page), "run: python -m docs.hard_texts"
    assert len(hard_texts.rows()) >= 20


def test_replaced_part_needs_its_marks() -> None:
    with pytest.raises(ValueError, match="no marks"):
        document.replace_part("a page without marks", "feeds", "…")


# -- all that may be named is documented ---------------------------------------------------------------------


def commands() -> Iterator[str]:
    for command in cli.app.registered_commands:
        yield _name(command.name, command.callback)
    for group in cli.app.registered_groups:
        assert group.name is not None and group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            yield f"{group.name} {_name(command.name, command.callback)}"


def _name(name: str | None, callback: object) -> str:
    return name or str(getattr(callback, "__name__", "")).rstrip("_").replace("_", "-")


@pytest.mark.parametrize("command", sorted(commands()))
def test_command_is_documented(command: str) -> None:
    assert re.search(rf"\bquanxi (?:--\w+ \S+ )*{re.escape(command)}\b", all_docs()), command


@pytest.mark.parametrize("option", ["--data", "--catalog"])
def test_common_option_is_documented(option: str) -> None:
    assert option in text("docs/operations.md")


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_setting_is_documented(field: str) -> None:
    assert f"`{environment_name(field)}`" in text("docs/operations.md")


def raised_codes() -> dict[str, str]:
    """Codes of every error of ours that the source raises, with where."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("*.py")) + [
        p
        for folder in "addresses commands graph ledger loaders ontology schema seed web".split()
        for p in sorted((ROOT / folder).rglob("*.py"))
    ]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if (
                    _ERROR_CLASSES.fullmatch(name)
                    and isinstance(first, ast.Constant)
                    and isinstance(first.value, str)
                    and _CODE.fullmatch(first.value)
                ):
                    found.setdefault(first.value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_error_codes_are_documented() -> None:
    page = text("docs/errors.md")
    wanted = {**dict.fromkeys(ERROR_CODES, "schema/errors.py"), **raised_codes()}
    missing = {code: where for code, where in wanted.items() if f"`{code}`" not in page}
    assert not missing, "run: python -m schema.errors > docs/errors.md"


def test_codes_of_refused_pushes_are_documented() -> None:
    found = set()
    for name in ("web/push.py", "loaders/pushed.py"):
        found |= set(re.findall(r'PushError\(\s*\d+,\s*"([A-Z_]+)"', text(name)))
    assert len(found) > 12
    assert not [code for code in found if f"| `{code}` |" not in text("docs/push.md")]


def roots() -> list[str]:
    query = build_schema()._schema.query_type  # strawberry gives no public way to graphql-core's own schema
    assert query is not None
    return sorted(query.fields)


@pytest.mark.parametrize("root", roots())
def test_root_has_its_example(root: str) -> None:
    page = text("docs/api.md")
    assert f"`{root}`" in page, "name it in the table of roots"
    examples = "\n".join(_GRAPHQL.findall(page))
    assert re.search(rf"(?<![\w$]){root}\b\s*[({{]", examples), "show it in an example"


@pytest.mark.parametrize("page", ["README.md", "docs/api.md", "docs/pole.md"])
def test_example_queries_are_valid(page: str) -> None:
    schema = build_schema()._schema
    for query in _GRAPHQL.findall(text(page)):
        assert not validate(schema, parse(query)), query


@pytest.mark.parametrize("label", [e.label() for e in ENTITIES])
def test_label_is_documented(label: str) -> None:
    assert label in headings("docs/ontology.md")


@pytest.mark.parametrize("type_", [x.type for x in LINKS])
def test_relationship_is_documented(type_: str) -> None:
    assert f"| `{type_}` |" in text("docs/ontology.md")


def test_feeds_are_documented_with_their_columns() -> None:
    feeds = load_feeds(CATALOG / "feeds")
    assert len(feeds) >= 25
    page = text("docs/feeds.md")
    for feed in feeds.values():
        section = page.split(f"\n### {feed.feed} {feed.zh}\n", 1)[1].split("\n### ", 1)[0]
        for column in feed.columns:
            assert f"\n| {column} |" in section, f"{feed.feed}: {column}"


def test_keys_of_a_declaration_are_documented() -> None:
    from loaders import declaration
    from loaders.declaration import PARAMETERS, ColumnType
    from ontology.declared import Strict

    page = text("docs/feeds.md")
    models = [m for m in vars(declaration).values() if isinstance(m, type) and issubclass(m, Strict)]
    assert len(models) >= 14
    for model in models:
        for key in model.model_fields:
            assert re.search(rf"`(?:\w+: (?:列: )?)?{key}`", page), f"{model.__name__}.{key}"
    for name in PARAMETERS:
        assert f"`{name}`" in page, name
    for kind in ColumnType:
        assert f"`{kind.value}`" in page, kind


# -- what they point at is there -----------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text("utf-8"))):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = "".join(c for c in plain.lower().replace(" ", "-") if c.isalnum() or c in "-_")
        count = 0
        while (named := anchor if count == 0 else f"{anchor}-{count}") in found:
            count += 1
        found.add(named)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{page.name} links to {target}"
        assert aim.is_relative_to(ROOT), f"{page.name} links out of the project: {target}"
        if anchor and aim.suffix == ".md":
            assert anchor in anchors(aim), f"{page.name} links to {target}: there is no such heading"


# -- nothing of the machine it was written on ----------------------------------------------------------------


def committed() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_committed_files_name_no_registry_and_no_path_of_a_machine() -> None:
    told = []
    for path in committed():
        if not path.is_file() or "vendor" in path.parts or path.stat().st_size > 5_000_000:
            continue
        try:
            content = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        told += [f"{path.relative_to(ROOT)}: {word}" for word in _HOSTS if word in content]
        told += [
            f"{path.relative_to(ROOT)}: {word}"
            for word in _PATHS
            if re.search(rf"(?<![\w.}}]){re.escape(word)}", content)
        ]
    assert not [t for t in told if not t.startswith("tests/test_docs.py")]
