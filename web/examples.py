"""The example queries that the start page and GraphiQL's tabs show.

An example is a `.graphql` file. Its first comment is its title (`# 中文 · English`); a line
`# variables: {…}` gives its variables as JSON, in which `"$name"` stands for something of the district that
is served. A file `NAME.variables.json` beside it gives them too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BUILT_IN: Final = Path(__file__).resolve().parent / "queries"
_VARIABLES: Final = re.compile(r"^#\s*variables:\s*(\{.*\})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One example: `query` is what is pasted, `variables` what goes with it."""

    name: str
    zh: str
    en: str
    query: str
    variables: dict[str, Any]

    def filled(self, samples: Mapping[str, str]) -> Example:
        """With `$name` in its variables replaced by what the served district has."""
        values = {
            key: samples.get(value[1:], "") if isinstance(value, str) and value.startswith("$") else value
            for key, value in self.variables.items()
        }
        return Example(self.name, self.zh, self.en, self.query, values)


def load_examples(folder: Path = BUILT_IN) -> list[Example]:
    """The examples of a folder, by file name."""
    return [_read(path) for path in sorted(folder.glob("*.graphql"))]


def _read(path: Path) -> Example:
    text = path.read_text("utf-8").strip()
    found = _VARIABLES.search(text)
    beside = path.with_suffix(".variables.json")
    variables: dict[str, Any] = {}
    if found:
        variables = json.loads(found[1])
        text = _VARIABLES.sub("", text, count=1).replace("\n\n", "\n", 1)
    elif beside.is_file():
        variables = json.loads(beside.read_text("utf-8"))
    title = text.splitlines()[0].lstrip("# ").strip() if text.startswith("#") else path.stem
    zh, _, en = title.partition(" · ")
    return Example(path.stem.lstrip("0123456789-"), zh, en, text, variables)
