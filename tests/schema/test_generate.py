"""`schema/leaves.py` is what the ontology says."""

from __future__ import annotations

import ast

from schema import generate


def test_leaves_are_current() -> None:
    written = ast.parse(generate.TARGET.read_text("utf-8"))
    made = ast.parse(generate.source())
    told = [[ast.dump(x) for x in tree.body if isinstance(x, ast.ClassDef)] for tree in (written, made)]
    assert told[0] == told[1], "run: python -m schema.generate, then make format"
