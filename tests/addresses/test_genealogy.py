"""What has become of places, as a function of the changes alone."""

from __future__ import annotations

import random

from addresses.genealogy import Change, End, Genealogy
from addresses.scheme import load_scheme
from ontology.clock import OPEN_END

SCHEME = load_scheme()
EAST, WEST = "330109003005", "330109002009"
CHANGES = [
    Change("move", "2021-04-09", EAST, WEST, "东村", "东村"),
    Change("split", "2022-01-01", "330109002001", "330109002011"),
    Change("split", "2022-01-01", "330109002001", "330109002012"),
    Change("renumber", "2022-01-01", "3301090020010001", "3301090020110001"),
    Change("merge", "2020-06-01", "330109002003", "330109002013"),
    Change("merge", "2020-06-01", "330109002004", "330109002013"),
    Change("rename", "2019-05-01", "330109002005", "330109002005", "红旗村", "新风村"),
    # The doors of one village are numbered anew: 2 becomes 1, 1 becomes 7.
    Change("renumber", "2020-01-01", "3301090020050001", "3301090020050007"),
    Change("renumber", "2020-01-01", "3301090020050002", "3301090020050001"),
    Change("demolish", "2023-03-01", "3301090020050003", None),
    # A town that went to the neighbouring district, after it had been renumbered.
    Change("renumber", "2015-01-01", "330109030", "330109031"),
    Change("move", "2021-04-09", "330109031", "330114003"),
]


def told(*changes: Change) -> Genealogy:
    return Genealogy(SCHEME, changes)


def codes(genealogy: Genealogy, code: str, day: str | None = None) -> list[tuple[str, str]]:
    return [(era.code, era.until) for era in genealogy.line(code, day)]


def test_a_place_keeps_its_identity_through_codes() -> None:
    g = told(*CHANGES)
    line = [("330109030", "2015-01-01"), ("330109031", "2021-04-09"), ("330114003", OPEN_END)]
    for code in ("330109030", "330109031", "330114003"):
        assert codes(g, code) == line
        assert (g.identity(code), g.current(code)) == ("330109030", "330114003")
    assert codes(g, "330109002002") == [("330109002002", OPEN_END)]
    assert g.last_day == "2023-03-01"


def test_what_lies_in_a_moved_place_goes_with_it() -> None:
    g = told(*CHANGES)
    dwelling = "0001010301"
    assert codes(g, WEST + dwelling) == [(EAST + dwelling, "2021-04-09"), (WEST + dwelling, OPEN_END)]
    assert g.current(EAST + "G01M02") == WEST + "G01M02"
    assert g.current("330109030001" + dwelling) == "330114003001" + dwelling


def test_a_childs_own_change_goes_before_its_parents() -> None:
    g = told(*CHANGES, Change("renumber", "2021-04-09", EAST + "0001", WEST + "0021"))
    assert g.current(EAST + "0001") == WEST + "0021"
    assert g.current(EAST + "00010101" + "01") == WEST + "0021" + "010101"
    assert g.identity(WEST + "0001") == WEST + "0001", "it was not the one that had this number"
    later = told(*CHANGES, Change("renumber", "2022-04-09", WEST + "0001", WEST + "0021"))
    assert [c for c, _ in codes(later, WEST + "0021")] == [EAST + "0001", WEST + "0001", WEST + "0021"]


def test_a_code_that_passes_on_is_two_places() -> None:
    g = told(*CHANGES)
    one, two, seven = (f"33010900200500{n:02}" for n in (1, 2, 7))
    assert codes(g, one) == [(two, "2020-01-01"), (one, OPEN_END)]
    assert codes(g, one, "2019-12-31") == [(one, "2020-01-01"), (seven, OPEN_END)]
    assert (g.identity(seven), g.identity(one), g.identity(one, "2010-01-01")) == (one, two, one)
    assert g.reused(one) and g.reused(one + "010301") and not g.reused(two)


def test_a_number_that_another_place_gets_was_nobodys() -> None:
    """The village moves in 2021; a year later a building of it gets number 1, and nobody says that another has given it up."""
    g = told(*CHANGES, Change("renumber", "2022-04-09", WEST + "0101", WEST + "0001"))
    new = [(EAST + "0101", "2021-04-09"), (WEST + "0101", "2022-04-09"), (WEST + "0001", OPEN_END)]
    assert len(g.holders(WEST + "0001")) == 1
    assert codes(g, WEST + "0001") == codes(g, WEST + "0001", "2021-06-01") == new
    assert g.identity(WEST + "0001", "2021-06-01") == EAST + "0101"
    assert g.identity(WEST + "0001010301", "2021-06-01") == EAST + "0101010301"
    assert not g.reused(WEST + "0001")


def test_what_is_told_of_a_number_goes_before_what_moved_there_with_its_village() -> None:
    """A building of the village got number 1 before the village that moves in 2021 got this code, and nobody says that it gave it up."""
    g = told(*CHANGES, Change("renumber", "2020-04-09", WEST + "0101", WEST + "0001"))
    for below in ("", "010301"):
        assert len(g.holders(WEST + "0001" + below)) == 1
        assert g.identity(WEST + "0001" + below) == WEST + "0101" + below
        assert g.current(EAST + "0001" + below) == EAST + "0001" + below


def test_split_and_merged_and_demolished() -> None:
    g = told(*CHANGES)
    assert g.ended("330109002001") == End("split", "2022-01-01", ("330109002011", "330109002012"))
    assert g.begun("330109002012") == End("split", "2022-01-01", ("330109002001",))
    assert g.begun("330109002013") == End("merge", "2020-06-01", ("330109002003", "330109002004"))
    assert g.ended("3301090020050003") == End("demolish", "2023-03-01", ())
    at = [(p.code, p.since, p.until, p.sure) for p in g.pieces("330109002003")]
    assert at == [
        ("330109002003", None, "2020-06-01", 1.0),
        ("330109002013", "2020-06-01", OPEN_END, 1.0),
    ]
    at = [(p.code, p.since, p.until, p.sure) for p in g.pieces("330109002001")]
    assert at == [("330109002001", None, "2022-01-01", 1.0), ("330109002", "2022-01-01", OPEN_END, 0.8)]
    assert [p.code for p in g.pieces("3301090020050003")] == ["3301090020050003"]
    keeps = told(Change("split", "2022-01-01", WEST, WEST), Change("split", "2022-01-01", WEST, EAST))
    assert keeps.ended(WEST) is None
    assert keeps.begun(EAST) == End("split", "2022-01-01", (WEST,))


def test_what_several_places_became_on_one_day_is_a_merger_whatever_it_is_called() -> None:
    g = told(Change("renumber", "2020-01-01", EAST, WEST), Change("move", "2020-01-01", "330109003006", WEST))
    assert g.begun(WEST) == End("merge", "2020-01-01", (EAST, "330109003006"))
    assert g.identity(WEST) == WEST


def test_names_of_eras() -> None:
    eras = told(*CHANGES).line("330109002005")
    assert [(e.name, e.since, e.until) for e in eras] == [
        ("红旗村", None, "2019-05-01"),
        ("新风村", "2019-05-01", OPEN_END),
    ]


def test_there_and_back_again() -> None:
    g = told(Change("renumber", "2010-01-01", WEST, EAST), Change("renumber", "2015-01-01", EAST, WEST))
    assert [c for c, _ in codes(g, WEST)] == [WEST, EAST, WEST]
    assert g.identity(EAST) == g.identity(WEST) == WEST


def test_moves_of_streets() -> None:
    moves = told(*CHANGES).moves()
    assert moves["330109003"] == ((f"2021-04-09|{WEST}",), ())
    assert moves["330109002"] == ((), (f"2021-04-09|{WEST}",))
    assert moves["330109"] == (("2021-04-09|330114003",), ())


def test_the_order_of_changes_is_nothing() -> None:
    whole = told(*CHANGES)
    names = sorted({*whole.codes, EAST + "0001", WEST + "0001010301"})
    for seed in range(10):
        shuffled = [*CHANGES, *CHANGES[:4]]
        random.Random(seed).shuffle(shuffled)
        other = told(*shuffled)
        for code in names:
            assert other.line(code) == whole.line(code)
            assert other.pieces(code) == whole.pieces(code)
        assert other.moves() == whole.moves()


def test_what_only_lies_in_something_that_changed_is_as_it_was() -> None:
    genealogy = told(*CHANGES)
    # In a village that was renamed, split or merged, and in a street that a village left.
    for code in (
        "3301090020050099",
        "3301090020010099",
        "3301090020030001",
        "3301090030019999",
        "330109009001",
    ):
        assert genealogy.still(code) and not genealogy.touches(code)
        assert genealogy.identity(code) == genealogy.current(code) == code
        assert [(p.code, p.since, p.until) for p in genealogy.pieces(code)] == [(code, None, OPEN_END)]
    # What lies in a village that was merged has another key all the same.
    assert genealogy.place_key("3301090020030001") != SCHEME.key("3301090020030001")
    # A street keeps its code, and yet something is to be said of it.
    assert genealogy.still("330109003") and genealogy.touches("330109003")
    # Moved, or in what moved; renumbered; renamed; split, merged and what came of it; demolished.
    for code in (
        EAST, WEST, EAST + "0001", WEST + "0001010301", "3301090020050001", "330109002005", "330109002001",
        "330109002011", "330109002003", "330109002013", "3301090020050003", "330109030", "330109031001",
    ):  # fmt: skip
        assert not genealogy.still(code), code
