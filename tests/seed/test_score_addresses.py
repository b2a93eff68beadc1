"""The score of address texts: verdicts, tables and calibration, over a resolver whose answers are written down here."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from addresses.index import Index
from addresses.resolution import Candidate, Outcome, Resolution
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from commands.score_addresses import score_district, texts_of
from ontology.errors import UsageError
from seed import SeedOptions, seed_district
from seed.address_base import parents_of, places_of
from seed.address_exam import SCHEMA, address_texts
from seed.addresses import build_addresses
from seed.places import build_places
from seed.score_addresses import Verdict, judge, score_addresses

HOME = "3301090020010004012302"
PARENTS = {"E33010900001": "330109002001", "R33010900012": "330109002"}


def said(code: str | None, confidence: float = 0.99, outcome: Outcome = Outcome.RESOLVED) -> Resolution:
    return Resolution(outcome, Candidate(code, "", confidence) if code else None)


@pytest.mark.parametrize(
    ("code", "determined", "outside", "answer", "verdict"),
    [
        (HOME, HOME, False, said(HOME), Verdict.EXACT),
        (HOME, HOME, False, said(HOME[:16]), Verdict.ABOVE),
        (HOME, HOME, False, said("330109002"), Verdict.ABOVE),
        (HOME, HOME, False, said("330109"), Verdict.UNRESOLVED),
        (HOME, HOME, False, said("3301090020010004012301"), Verdict.WRONG),
        (HOME[:16], HOME[:16], False, said(HOME), Verdict.WRONG),
        (HOME, HOME, False, said("E33010900001"), Verdict.ABOVE),
        (HOME, HOME, False, said("R33010900099"), Verdict.WRONG),
        ("330109002", "330109002", False, said("R33010900012"), Verdict.EXACT),
        (HOME, HOME, False, said("330109002001G01"), Verdict.WRONG),
        (HOME, HOME, False, said(HOME, outcome=Outcome.ASK), Verdict.UNRESOLVED),
        (HOME, HOME, False, said(None, outcome=Outcome.UNRESOLVED), Verdict.UNRESOLVED),
        (HOME, HOME, False, None, Verdict.UNRESOLVED),
        (HOME, HOME, False, said(None, outcome=Outcome.OUTSIDE), Verdict.WRONG),
        (HOME, HOME[:16], False, said(HOME), Verdict.EXACT),
        (HOME, None, False, said(HOME), Verdict.WRONG),
        (HOME, None, False, said("330109"), Verdict.EXACT),
        (HOME, None, False, said(None, outcome=Outcome.ASK), Verdict.EXACT),
        (None, None, False, None, Verdict.EXACT),
        (None, None, True, said(None, outcome=Outcome.OUTSIDE), Verdict.EXACT),
        (None, None, True, None, Verdict.UNRESOLVED),
        (None, None, True, said(HOME), Verdict.WRONG),
        (None, None, True, said("330109"), Verdict.WRONG),
    ],
)
def test_verdicts(
    code: str | None, determined: str | None, outside: bool, answer: Resolution | None, verdict: Verdict
) -> None:
    assert judge(code, determined, outside, answer, PARENTS.get) == verdict


class Written:
    """Answers as they are written down, by text; in sentences by span."""

    def __init__(
        self, one: dict[str, Resolution], spans: dict[str, list[tuple[int, int, Resolution]]]
    ) -> None:
        self.one, self.spans = one, spans

    def resolve(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        return self.one[text]

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        return self.spans[text]


def row(id: str, text: str, code: str | None, determined: str | None, **more: object) -> dict[str, object]:
    level = (
        {6: None, 9: "STREET", 12: "COMMUNITY", 16: "BUILDING", 22: "DWELLING"}[len(code)] if code else None
    )
    return {
        "id": id, "text": text, "start": 0, "end": len(text), "kind": "one", "code": code, "level": level, "determined": determined,
        "determined_level": None, "outcome": "RESOLVED" if determined else "UNRESOLVED", "profile": "normal", "examination": True,
        "operations": [], **more,
    }  # fmt: skip


@pytest.fixture
def scored() -> pl.DataFrame:
    return pl.DataFrame(
        [
            row("1", "甲", HOME, HOME),
            row("2", "乙", HOME, HOME[:16], operations=["inside.no_unit"]),
            row("3", "丙", HOME, HOME),
            row("4", "丁", None, None, outcome="OUTSIDE"),
            row("5", "从戊到己", "330109002001", "330109002001", kind="sentence", start=1, end=2),
            row("5", "从戊到己", HOME[:16], HOME[:16], kind="sentence", start=3, end=4),
        ],
        schema=SCHEMA,
    )


def test_the_table_the_calibration_and_the_failures(scored: pl.DataFrame) -> None:
    resolver = Written(
        {
            "甲": said(HOME, 0.999),
            "乙": said(HOME[:16], 0.96),
            "丙": said("330109001", 0.96),
            "丁": said(None, outcome=Outcome.OUTSIDE),
        },
        {"从戊到己": [(0, 1, said("330109001", 0.9)), (1, 2, said("330109002001", 0.91))]},
    )
    score = score_addresses(scored, resolver, PARENTS.get)
    lines = {level: line.rows() for (_, level), line in score.table().items()}
    assert list(lines) == ["COMMUNITY", "BUILDING", "DWELLING", "OUTSIDE"]
    assert lines["DWELLING"] == {
        "texts": 3, "exact": 1 / 3, "above": 1 / 3, "wrong": 1 / 3, "unresolved": 0.0, "ceiling": 2 / 3, "of_ceiling": 0.5,
    }  # fmt: skip
    assert lines["BUILDING"]["unresolved"] == 1.0
    assert lines["OUTSIDE"]["exact"] == 1.0
    assert score.extra == {"normal": 1}
    assert [(b.low, b.answers, b.right) for b in score.calibration()] == [
        (0.9, 1, 1),
        (0.95, 2, 1),
        (0.99, 1, 1),
    ]
    assert score.failures()["text"].to_list() == ["丙", "从戊到己"]
    by_way = dict(score.by_operation().select("operations", "wrong").iter_rows())
    assert by_way == {"plain": 1, "inside.no_unit": 0}
    json.dumps(score.rows())


def test_a_plain_district_is_read_without_a_mistake() -> None:
    """The way through: places, their address feed, the index, the resolver, the score."""
    places = build_places(SeedOptions(scale=0.004))
    rows = build_addresses(SeedOptions(scale=0.004), places)
    resolver = AddressResolver(Index.of(load_scheme(), places_of(rows)))
    texts = address_texts(places, seed=1, count=300, profile="clean")
    score = score_addresses(texts, resolver, parents_of(rows).get)
    assert {line.counts[Verdict.EXACT] - line.n for line in score.table().values()} == {0}


def test_the_command_scores_a_seeded_district(tmp_path: Path) -> None:
    from cli import app

    seed_district(tmp_path, SeedOptions(scale=0.002, texts=30, only=("addresses",)))
    exam = texts_of(tmp_path, training=False, profile=None, first=None)
    assert exam["examination"].all()
    training = texts_of(tmp_path / "truth", training=True, profile="hard", first=10)
    assert training["id"].n_unique() == 10
    assert not training["examination"].any()
    assert set(training["profile"]) == {"hard"}
    told = CliRunner().invoke(app, ["score", str(tmp_path), "--addresses", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == json.loads(json.dumps(score_district(tmp_path, exam).rows()))
    shown = CliRunner().invoke(
        app, ["score", str(tmp_path), "--addresses", "--failures", "3", "--first", "10"]
    )
    assert shown.exit_code == 0, shown.output


def test_mistakes_of_the_user_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        texts_of(tmp_path, training=False, profile=None, first=None)
    seed_district(tmp_path, SeedOptions(scale=0.002, texts=5, only=("residents",)))
    with pytest.raises(UsageError, match="profile 'none'"):
        texts_of(tmp_path, training=False, profile="none", first=None)
    with pytest.raises(UsageError, match="no address feed"):
        score_district(tmp_path, texts_of(tmp_path, training=False, profile=None, first=None))
