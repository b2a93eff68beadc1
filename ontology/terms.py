"""Term lists: the codes, states and kinds that a district may edit, read from `catalog/terms/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ontology.errors import UsageError
from ontology.reading import read_yaml

CATALOG = Path(__file__).resolve().parent.parent / "catalog"
# Codes of `matter_state` in which a matter or an incident is over, however it ended.
CLOSED_STATES = frozenset(
    ("done", "closed", "void", "cleared", "settled", "unsettled", "false_alarm", "penalised", "merged", "passed", "failed")
)  # fmt: skip


def reported_as(*reports: Iterable[str]) -> str:
    """The kinds and categories of an incident's reports as one text, each between bars, that a text index can look for."""
    return "|" + "".join(f"{code}|" for code in sorted({code for codes in reports for code in codes if code}))


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of a list: its stable code, titles in both languages and the code of its parent, if any."""

    code: str
    zh: str
    en: str
    parent: str | None = None


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str
    zh: str
    en: str
    parent: str | None = None
    synonyms: list[str] = []


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(alias="list")
    terms: list[_Entry]


@dataclass(frozen=True)
class Terms:
    """All term lists of a catalogue."""

    lists: Mapping[str, Mapping[str, Term]]
    _codes: Mapping[str, Mapping[str, str]] = field(repr=False)
    _plain: dict[tuple[str, str], dict[str, str | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def get(self, list_name: str, code: str) -> Term:
        """The term of a code; an unknown code is shown as itself, so that data never disappears."""
        return self.lists.get(list_name, {}).get(code) or Term(code, code, code)

    def plain(self, list_name: str, code: str) -> dict[str, str | None]:
        """The term of a code as a map of code, zh, en, parent; not to be changed."""
        held = self._plain.get((list_name, code))
        if held is None:
            found = self.get(list_name, code)
            held = {"code": found.code, "zh": found.zh, "en": found.en, "parent": found.parent}
            if found is self.lists.get(list_name, {}).get(code):
                self._plain[list_name, code] = held
        return held

    def code_of(self, list_name: str) -> Mapping[str, str]:
        """What a feed may write (Chinese title, English title, synonym or code) → code."""
        return self._codes[list_name]

    def below(self, list_name: str, code: str) -> list[str]:
        """`code` and all codes under it, in file order."""
        found = [code]
        for term in self.lists.get(list_name, {}).values():
            if term.parent in found:
                found.append(term.code)
        return found


@lru_cache(maxsize=8)
def load_terms(catalog: Path = CATALOG) -> Terms:
    """Reads every list under `catalog/terms`.

    Raises:
        UsageError: BAD_CATALOG, naming the file, when one is not of the declared form.
    """
    lists: dict[str, dict[str, Term]] = {}
    codes: dict[str, dict[str, str]] = {}
    for path in sorted((catalog / "terms").glob("*.yaml")):
        try:
            raw: Any = read_yaml(path.read_text(encoding="utf-8"))
            entry = _List.model_validate(raw)
        except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
            raise UsageError(
                "BAD_CATALOG",
                f"{path} 不是有效的字典文件",
                f"{path} is not a valid term list: {error}",
            ) from None
        lists[entry.name] = {t.code: Term(t.code, t.zh, t.en, t.parent) for t in entry.terms}
        codes[entry.name] = {w: t.code for t in entry.terms for w in (t.code, t.en, t.zh, *t.synonyms)}
    return Terms(lists, codes)
