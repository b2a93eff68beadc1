"""The pages: the start page, and GraphiQL. All that they load comes from this server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from web.examples import Example

_HERE: Final = Path(__file__).resolve().parent
STATIC: Final = _HERE / "static"
GRAPHIQL: Final = (_HERE / "graphiql.html").read_bytes()
_START: Final = Template((_HERE / "start.html").read_text("utf-8"))

SECURITY: Final = {
    # Nothing from elsewhere is loaded or asked, whatever a page or a vendored script may try.
    # GraphiQL's editor sets styles in place, and its style sheet carries its fonts.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something there are."""

    zh: str
    en: str
    value: int


@dataclass(frozen=True, slots=True)
class Start:
    """What the start page shows.

    Attributes:
        name: of the district.
        today: the district's day, YYYY-MM-DD.
        synthetic: whether its data is made up.
        counts: None when Neo4j does not answer.
        documents: file names in `docs/`.
        limited: whether counts are not shown, because who asks may see only a part.
    """

    name: str
    today: str
    synthetic: bool
    counts: Sequence[Count] | None
    examples: Sequence[Example]
    documents: Sequence[str]
    limited: bool = False


def start_page(start: Start) -> str:
    """The start page as HTML."""
    return _START.substitute(
        name=escape(start.name),
        facts=f'今日 {escape(start.today)} · <span lang="en">today in this district</span>',
        notice=_notice(start),
        counts="<p>—</p>" if start.limited else _counts(start.counts),
        examples="\n".join(_example(example, first=not n) for n, example in enumerate(start.examples)),
        links=_links(start.documents),
    )


def _notice(start: Start) -> str:
    if not start.synthetic:
        return ""
    return (
        '<aside class="notice"><p><strong>合成数据</strong>：这里的人、房、企、事全为虚构，如有雷同，'
        "纯属巧合。</p>"
        '<p lang="en"><strong>Synthetic data</strong>: nobody and nothing here is real.</p></aside>'
    )


def _counts(counts: Sequence[Count] | None) -> str:
    if counts is None:
        return (
            '<p>图数据库暂时没有回答，详见 <a href="/readyz">/readyz</a>。'
            '<span lang="en">Neo4j does not answer just now; see /readyz.</span></p>'
        )
    if not counts:
        return (
            "<p>图中还没有数据。先运行 <code>quanxi demo</code> 或 <code>quanxi load</code>。"
            '<span lang="en">The graph is empty: run one of these first.</span></p>'
        )
    cells = (
        f'<div><dt>{escape(c.zh)} <span lang="en">{escape(c.en)}</span></dt><dd>{c.value:,}</dd></div>'
        for c in counts
    )
    return f'<dl class="counts">{"".join(cells)}</dl>'


def _example(example: Example, *, first: bool) -> str:
    name = escape(example.name, quote=True)
    variables = ""
    if example.variables:
        shown = escape(json.dumps(example.variables, ensure_ascii=False, indent=2))
        variables = f"<pre>{shown}</pre>"
    return (
        f'<article class="example"><h3>{escape(example.zh)} <span lang="en">{escape(example.en)}</span></h3>'
        f'<details{" open" if first else ""}><summary>查询 <span lang="en">query</span></summary>'
        f'<pre id="query-{name}">{escape(example.query)}</pre>{variables}</details>'
        f'<p class="row"><a href="/graphql#example={name}">在 GraphiQL 中打开 '
        '<span lang="en">open in GraphiQL</span></a>'
        f'<button type="button" data-copy="query-{name}" hidden>复制 Copy</button></p></article>'
    )


def _links(documents: Sequence[str]) -> str:
    fixed = [
        ("/schema.graphql", 'GraphQL 模式 <span lang="en">schema</span>'),
        ("/healthz", '存活 <span lang="en">health</span>'),
        ("/readyz", '就绪 <span lang="en">readiness</span>'),
        ("/metrics", '指标 <span lang="en">metrics</span>'),
    ]
    links = [*fixed, *((f"/docs/{name}", f"docs/{escape(name)}") for name in documents)]
    return "".join(f'<li><a href="{escape(url, quote=True)}">{text}</a></li>' for url, text in links)
