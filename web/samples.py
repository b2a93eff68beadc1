"""Things of the served district that make the examples worth running, found by asking the API itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class Ask(Protocol):
    """Runs a query of our own and gives its data, or None."""

    def __call__(self, query: str, variables: dict[str, Any] | None = None) -> Awaitable[Any]: ...


_DISTRICT = "{ address { code name level } }"
_PEOPLE = """query Sample($code: AddressCode) { address(code: $code) { code level
  incidents(first: 20) { edges { node {
    at { code level path { code level name } }
    parties { entity { id } }
  } } }
} }"""


async def find_samples(ask: Ask) -> dict[str, str]:
    """Values for `name`, `area`, `street`, `dwelling`, `text`, `one`, `other`; those that were found."""
    district = ((await ask(_DISTRICT)) or {}).get("address") or {}
    found: dict[str, str] = {}
    if not district:
        return found
    found["name"] = district["name"]
    found["area"] = found["street"] = found["dwelling"] = district["code"]
    found["text"] = district["name"]
    answer = ((await ask(_PEOPLE, {"code": district["code"]})) or {}).get("address") or {}
    best = -1
    for edge in (answer.get("incidents") or {}).get("edges") or ():
        at = edge["node"].get("at") or {}
        parties = [
            party["entity"]["id"] for party in edge["node"].get("parties") or () if party.get("entity")
        ]
        score = (at.get("level") == "DWELLING") + 2 * (len(parties) > 1)
        if score > best and at:
            best = score
            found["dwelling"] = at["code"]
            for step in at.get("path") or ():
                if step["level"] == "STREET":
                    found["street"], found["text"] = step["code"], step["name"]
            if len(parties) > 1:
                found["one"], found["other"] = parties[0], parties[1]
    return found
