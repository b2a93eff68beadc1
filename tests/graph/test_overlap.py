"""Ways whose links all held at one time, on links small enough to check by hand; no database."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.queries import overlap
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
    ways = shortest("a", "z", links, {"hub"}, during, most, limit)
    assert not ways.cut
    return [(" ".join(x.id for x in w.links), w.since, w.until) for w in ways.found]


def test_when_a_link_held() -> None:
    assert interval(link("a b", "2020-01-01", "2021-01-01")) == ("2020-01-01", "2021-01-01")
    assert interval(link("a b", at="2020-02-28T09:00:00+08:00")) == ("2020-02-28", "2020-02-29")
    since, until = interval(link("a b"))
    assert since < "0001" and until > "9999"


def test_all_of_it_at_one_time() -> None:
    home, then, now = (
        link("a h", "2015-01-01"),
        link("z h", "2010-01-01", "2016-06-01"),
        link("z h", "2020-01-01", "9999-12-31"),
    )
    assert found([home, then]) == [("ah2015-01-01 zh2010-01-01", "2015-01-01", "2016-06-01")]
    # Asked of a month, it is told when it was so in all.
    assert found([home, then], ("2016-01-01", "2016-02-01")) == [
        ("ah2015-01-01 zh2010-01-01", "2015-01-01", "2016-06-01")
    ]
    # It ends before the day on which it has ended; and there are two times, of which the later is open.
    assert found([home, then], ("2016-06-01", "2019-01-01")) == []
    assert found([home, then], ("2016-05-31", "2019-01-01")) != []
    assert [w[1:] for w in found([now, home, then])] == [("2015-01-01", "2016-06-01"), ("2020-01-01", "")]
    assert found([link("a h", "2016-06-01"), then]) == []


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
        ("ai2020-05-05T09:00:00+08:00 zi2020-05-05T09:00:00+08:00", "2020-05-05", "2020-05-06")
    ]
    assert found(met, ("2020-05-06", "2021-01-01")) == []
    assert found([met[0], link("i z", "2020-05-06")]) == []


def test_hubs_are_not_passed_and_ends_are_no_way() -> None:
    assert found([link("a hub"), link("hub z")]) == []
    assert found([link("a z")]) == [("az", "", "")]
    years = [link("a z", f"20{n:02}-01-01", f"20{n:02}-06-01") for n in range(10, 20)]
    ways = shortest("a", "z", years, (), ALWAYS, 3, 4)
    assert [w.since[:4] for w in ways.found] == ["2010", "2011", "2012", "2013"] and ways.more


def test_many_that_come_to_the_same_are_followed_as_one() -> None:
    """Ten people in each of five years who all know each other, and one way out at the end."""
    links = [link(f"a p0{i}", "2010-01-01") for i in range(10)]
    for layer in range(4):
        links += [link(f"p{layer}{i} p{layer + 1}{j}", "2010-01-01") for i in range(10) for j in range(10)]
    links.append(link("p47 z", "2010-01-01"))
    ways = shortest("a", "z", links, (), ALWAYS, 8, 3)
    assert len(ways.found) == 3 and ways.more and not ways.cut
    assert all(len(w.links) == 6 for w in ways.found)


def test_what_is_not_followed_is_told() -> None:
    many = overlap.AT_ONCE + 10
    links = [link("a b", f"{n:05}", f"{n:05}5") for n in range(many)]
    links += [link("b z", f"{many - 1:05}")]
    ways = shortest("a", "z", links, (), ("0", "9"), 3, 5)
    assert ways.cut and not ways.found


_DAY = st.integers(0, 6).map(lambda n: f"2020-01-0{n + 1}")
_LINK = st.tuples(
    st.sampled_from("abcdz"), st.sampled_from("abcdz"), st.none() | _DAY, st.none() | _DAY, st.none() | _DAY
)


@settings(max_examples=300)
@given(st.lists(_LINK, max_size=9), _DAY, _DAY, st.integers(1, 4))
def test_by_the_definition(
    drawn: list[tuple[str, str, str | None, str | None, str | None]], since: str, until: str, most: int
) -> None:
    """Beside all simple ways, tried one by one."""
    links = [
        Link(str(i), "T", start, end, {"since": s, "until": u, "at": at})
        for i, (start, end, s, u, at) in enumerate(drawn)
    ]
    during = min(since, until), max(since, until)
    expected: list[list[str]] = []
    for length in range(1, most + 1):
        for chosen in itertools.permutations(links, length):
            at, passed, spans = "a", {"a"}, [during]
            for each in chosen:
                far = each.end if each.start == at else each.start if each.end == at else None
                if far is None or far in passed:
                    break
                at = far
                passed.add(far)
                spans.append(interval(each))
            else:
                if (
                    at == "z"
                    and "z" not in [x.start for x in chosen[:-1]]
                    and max(s for s, _ in spans) < min(u for _, u in spans)
                ):
                    expected.append([x.id for x in chosen])
        if expected:
            break
    ways = shortest("a", "z", links, (), during, most, 100)
    got = [[x.id for x in w.links] for w in ways.found]
    assert sorted(got) == sorted(e for e in expected if _passes_z_last(e, links))
    random.Random(1).shuffle(links)
    assert sorted(
        [x.id for x in w.links] for w in shortest("a", "z", links, (), during, most, 100).found
    ) == sorted(got)


def _passes_z_last(ids: list[str], links: list[Link]) -> bool:
    known = {x.id: x for x in links}
    return all("z" not in (known[i].start, known[i].end) for i in ids[:-1])
