"""The drawn gazetteer of `places.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from addresses.index import Place
from ontology.reading import read_yaml

HERE = Path(__file__).parent


def drawn() -> Iterator[Place]:
    """The places of `places.yaml`, units and rooms written out."""
    for row in read_yaml((HERE / "places.yaml").read_text(encoding="utf-8")):
        code, level, name = row["code"], row["level"], row["name"]
        yield Place(
            code, level, name, row.get("full", ""), row.get("parent"), tuple(row.get("part_of", ())), None,
            tuple(row.get("aliases", ())), tuple(row.get("former", ())),
        )  # fmt: skip
        stairs = [code + "00"]
        if units := row.get("units"):
            stairs = [f"{code}{u:02d}" for u in range(1, units + 1)]
            for u, stair in enumerate(stairs, 1):
                yield Place(stair, "UNIT", f"{u}单元", parent=code)
        floors, across = row.get("rooms", (0, 0))
        for stair in stairs:
            for floor in range(1, floors + 1):
                for door in range(1, across + 1):
                    above = stair if units else code
                    yield Place(
                        f"{stair}{floor:02d}{door:02d}", "DWELLING", f"{floor}{door:02d}室", parent=above
                    )
