"""What is generated and committed is what the ontology and the schema give."""

from __future__ import annotations

from pathlib import Path

from schema import sdl
from schema.generate import TARGET, source

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_schema_is_current() -> None:
    assert (ROOT / "schema.graphql").read_text("utf-8") == sdl(), "run: quanxi schema > schema.graphql"


def test_the_committed_leaves_are_current() -> None:
    assert TARGET.read_text("utf-8") == source(), "run: python -m schema.generate"


def test_what_is_written_twice_is_the_same() -> None:
    assert sdl() == sdl()
    assert source() == source()
