"""Fills in the answers of README.md and docs/api.md, by asking a running server: nobody writes them by hand.

    quanxi seed district && quanxi load district && quanxi serve
    python -m docs.fill district http://127.0.0.1:8000/graphql

Each ```graphql block that a ```json block follows is asked, and its answer written into the latter. A line
`# variables: {…}` in the block gives variables, in which `number:KEY`, `phone:KEY` and `person:KEY` stand for
the identity number, the phone and the id of the synthetic resident with that 人口编号, and `firm:CODE` for the id of the
synthetic enterprise with that 统一社会信用代码, `incident:NUMBER` for that of the incident with that number at its source.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import httpx
import polars as pl

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ("README.md", "docs/api.md")
_PAIR: Final = re.compile(
    r"(^```graphql\n((?:(?!^```).)*?)^```\n\s*```json\n)(.*?)(^```)", re.MULTILINE | re.DOTALL
)
_VARIABLES: Final = re.compile(r"^# variables: (\{.*\})$", re.MULTILINE)
_WIDTH: Final = 108


class Asker:
    """Asks a server about a seeded district.

    Args:
        district: what `quanxi seed` wrote.
        url: the server's GraphQL address.
    """

    def __init__(self, district: Path, url: str) -> None:
        people = pl.read_parquet(district / "truth" / "people.parquet")
        self._people = {row["resident_key"]: row for row in people.iter_rows(named=True)}
        self._url = url

    def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The body of an answer, with what differs from one request to the next taken out."""
        filled = {name: self._value(value) for name, value in variables.items()}
        answer: dict[str, Any] = httpx.post(
            self._url, json={"query": query, "variables": filled}, timeout=30
        ).json()
        for error in answer.get("errors", ()):
            error.get("extensions", {}).pop("requestId", None)
        return answer

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(v) for v in value]
        kind, _, key = value.partition(":") if isinstance(value, str) else ("", "", "")
        if kind == "firm":
            told = self.ask("query ($uscc: String!) { enterprise(uscc: $uscc) { id } }", {"uscc": key})
            return told["data"]["enterprise"]["id"]
        if kind == "incident":
            told = self.ask("query ($number: String!) { incident(number: $number) { id } }", {"number": key})
            return told["data"]["incident"]["id"]
        if kind not in ("number", "phone", "person"):
            return value
        person = self._people[key]
        if kind != "person":
            return person["identity_number" if kind == "number" else "phone"]
        found = self.ask(
            "query ($number: String!) { person(idNumber: $number) { id } }",
            {"number": person["identity_number"]},
        )
        return found["data"]["person"]["id"]


def written(value: Any, indent: int = 0) -> str:
    """JSON with what fits on a line on one line."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(short) + indent <= _WIDTH:
        return short
    pad, end = " " * (indent + 2), "\n" + " " * indent
    if isinstance(value, dict):
        items = [f"{json.dumps(k, ensure_ascii=False)}: {written(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(pad + item for item in items) + end + "}"
    return "[\n" + ",\n".join(pad + written(v, indent + 2) for v in value) + end + "]"


def fill(page: str, asker: Asker) -> str:
    """A page with its answers renewed."""

    def renew(found: re.Match[str]) -> str:
        query = found[2]
        said = _VARIABLES.search(query)
        answer = asker.ask(query, json.loads(said[1]) if said else {})
        return f"{found[1]}{written(answer)}\n{found[4]}"

    return _PAIR.sub(renew, page)


def main() -> None:
    """Renews the answers of all pages."""
    asker = Asker(Path(sys.argv[1]), sys.argv[2])
    for name in PAGES:
        path = ROOT / name
        path.write_text(fill(path.read_text("utf-8"), asker), encoding="utf-8")


if __name__ == "__main__":
    main()
