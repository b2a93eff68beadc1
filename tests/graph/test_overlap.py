"""Ways whose links all held at one time, on links small enough to check by hand; no database."""

from __future__ import annotations

from graph.queries.expand import Link
from graph.queries.overlap import interval, shortest

ALWAYS = ("1900-01-01", "2100-01-01")


def link(ends: str, since: str | None = None, until: str | None = None, at: str | None = None) -> Link:
    start, end = ends.split()
    return Link(
        f"{start}{end}{since or at or ''}", "T", start, end, {"since": since, "until": until, "at": at}
    )


def found(
    links: list[Link], during: tuple[str, str] = ALWAYS, most: int = 6, limit: int = 10
) -> list[tuple[str, str, str]]:
    ways, _ = shortest("a", "z", links, {"hub"}, during, most, limit)
    return [(" ".join(x.id for x in w.links), w.since, w.until) for w in ways]


def test_when_a_link_held() -> None:
    assert interval(link("a b", "2020-01-01", "2021-01-01")) == ("2020-01-01", "2021-01-01")
    assert interval(link("a b", at="2020-05-05T09:00:00+08:00")) == ("2020-05-05", "2020-05-05~")
    since, until = interval(link("a b"))
    assert since < "0001" and until > "9999"


def test_all_of_it_at_one_time() -> None:
    home, then, now = (
        link("a h", "2015-01-01"),
        link("z h", "2010-01-01", "2016-06-01"),
        link("z h", "2020-01-01"),
    )
    assert found([home, then]) == [("ah2015-01-01 zh2010-01-01", "2015-01-01", "2016-06-01")]
    assert found([home, then], ("2016-01-01", "2016-02-01")) == [
        ("ah2015-01-01 zh2010-01-01", "2016-01-01", "2016-02-01")
    ]
    # It ends before the day on which it has ended; and there are two times.
    assert found([home, then], ("2016-06-01", "2019-01-01")) == []
    assert [w[1] for w in found([now, home, then])] == ["2015-01-01", "2020-01-01"]
    gone = link("a h", "2016-06-01")
    assert found([gone, then]) == []


def test_a_longer_way_where_the_shorter_never_was() -> None:
    never = [link("a b", "2010-01-01", "2011-01-01"), link("b z", "2012-01-01", "2013-01-01")]
    longer = [link("a c", "2010-01-01"), link("c b", "2010-01-01")]
    assert found(never) == []
    assert found([*never, *longer]) == [
        ("ac2010-01-01 cb2010-01-01 bz2012-01-01", "2012-01-01", "2013-01-01")
    ]
    assert found([*never, *longer], most=2) == []


def test_what_happened_holds_on_its_day() -> None:
    met = [link("a i", at="2020-05-05T09:00:00+08:00"), link("z i", at="2020-05-05T09:00:00+08:00")]
    assert found(met) == [
        ("ai2020-05-05T09:00:00+08:00 zi2020-05-05T09:00:00+08:00", "2020-05-05", "2020-05-05")
    ]
    assert found(met, ("2020-05-06", "2021-01-01")) == []
    assert found([met[0], link("i z", "2020-05-06")]) == []


def test_hubs_are_not_passed_and_ends_are_no_way() -> None:
    assert found([link("a hub"), link("hub z")]) == []
    assert found([link("a z")]) == [("az", "1900-01-01", "2100-01-01")]
    ways, more = shortest(
        "a", "z", [link("a z", f"20{n:02}-01-01", f"20{n:02}-06-01") for n in range(10, 20)], (), ALWAYS, 3, 4
    )
    assert [w.since[:4] for w in ways] == ["2010", "2011", "2012", "2013"] and more
