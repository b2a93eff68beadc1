"""Writes the hard texts, and the resolver's explanation of each, into docs/addresses.md: `python -m docs.hard_texts`.

The texts marked `shown` in `tests/addresses/texts.yaml`, over the drawn gazetteer beside it. A test keeps the page current.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from addresses.index import Index
from addresses.reasons import reason_words
from addresses.resolution import Candidate, Outcome
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from ontology.reading import read_yaml
from tests.addresses.drawn import drawn

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "addresses.md"
TEXTS: Final = ROOT / "tests" / "addresses" / "texts.yaml"
_SECTION: Final = re.compile(
    r"(^## [^\n]*hard texts[^\n]*\n)(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_OUTCOMES: Final = {
    Outcome.RESOLVED: "可采信",
    Outcome.ASK: "待人选",
    Outcome.UNRESOLVED: "认不出",
    Outcome.OUTSIDE: "区外",
}


def rows() -> list[dict[str, Any]]:
    """The texts that are shown."""
    return [r for r in read_yaml(TEXTS.read_text(encoding="utf-8")) if r.get("shown")]


def rendered() -> str:
    """The section's text."""
    resolver = AddressResolver(Index.of(load_scheme(), drawn()))
    titles = load_scheme().titles

    full: dict[str, str] = {}
    for place in drawn():
        above = place.parent or load_scheme().parent(place.code)
        full[place.code] = place.full_name or full.get(above or "", "") + place.name

    def called(candidate: Candidate) -> str:
        return full[candidate.code].removeprefix("萧山区") or "萧山区"

    lines = [
        "Over the drawn gazetteer of `tests/addresses/places.yaml`; written by `python -m docs.hard_texts`. The number is the confidence; `?` marks what a person",
        "may pick from.",
        "",
        "| text 原文 | hard because 难在 | answer 结果 | why 依据 |",
        "|---|---|---|---|",
    ]
    for row in rows():
        said = resolver.resolve(row["text"])
        answer = f"**{said.outcome.value}** {_OUTCOMES[said.outcome]}"
        best = said.best
        if best is not None and not (said.outcome == Outcome.ASK and best.level == "DISTRICT"):
            answer += f"<br>{titles[best.level].zh} {called(best)} `{best.code}` {best.confidence}"
        if said.outcome == Outcome.ASK or any(a.confidence >= 0.2 for a in said.alternatives):
            answer += "".join(
                f"<br>? {called(a)} `{a.code}`" for a in said.alternatives if a.confidence >= 0.2
            )
        of = best or (said.alternatives[0] if said.alternatives else None)
        why = "; ".join(reason_words(k, w)[0] for k, w in of.because) if of is not None else ""
        lines.append(f"| {row['text']} | {row['why']} | {answer} | {why} |".replace("~", "\\~"))
    return "\n".join(lines) + "\n\n"


def written(page: str) -> str:
    """The page with the section as it should be."""
    section = rendered()
    return _SECTION.sub(lambda m: m.group(1) + "\n" + section, page, count=1).rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
