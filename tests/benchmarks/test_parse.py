"""How the parsing benchmark counts: chunks as conlleval has them, and our elements in the corpus' labels."""

from pathlib import Path

from addresses.parser import Parser
from benchmarks.parse import as_labelled, chunks_of, count, on_tokens, read_corpus, scores

CORPUS = """晨 B-devZone
曦 I-devZone
区 I-devZone
12 B-roadno
号 I-roadno

柳 B-road
浦 I-road
路 I-road
7 B-roadno
号 I-roadno

柳 B-road
浦 I-road
路 I-road
7 B-houseno
号 I-houseno
"""


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text(CORPUS, encoding="utf-8")
    first, second, _ = read_corpus(tmp_path / "dev.txt")
    assert first.tokens == ("晨", "曦", "区", "12", "号")
    assert first.labels[0] == "B-devzone"
    assert len(second.tokens) == 5


def test_chunks() -> None:
    assert chunks_of(["B-road", "I-road", "B-road", "I-roadno", "I-roadno"]) == {
        (0, 2, "road"),
        (2, 3, "road"),
        (3, 5, "roadno"),
    }


def test_scores() -> None:
    precision, recall, f1 = scores(labelled=4, found=5, right=2)
    assert (precision, recall) == (0.4, 0.5)
    assert abs(f1 - 4 / 9) < 1e-12
    assert scores(0, 0, 0) == (0.0, 0.0, 0.0)


def test_counting(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text(CORPUS, encoding="utf-8")
    counted = count(Parser(), list(read_corpus(tmp_path / "dev.txt"))[1:])
    assert (counted.labelled["road"], counted.right["road"]) == (2, 2)
    assert (counted.labelled["roadno"], counted.found["roadno"], counted.right["roadno"]) == (1, 2, 1)
    assert (counted.labelled["houseno"], counted.found["houseno"]) == (1, 0)
    assert len(counted.wrong) == 1


def test_their_conventions() -> None:
    parser = Parser()

    def labelled(text: str) -> list[tuple[str, str]]:
        return [(text[a:b], label) for a, b, label in as_labelled(text, parser.parse(text))]

    assert labelled("上海市浦东新区")[0] == ("上海市", "city")
    # A hyphen in a house number is cut, but not in a range.
    assert labelled("柳浦路82-11号")[1:] == [("82", "roadno"), ("-", "redundant"), ("11号", "houseno")]
    assert labelled("柳浦路82-96号")[1:] == [("82-96号", "roadno")]
    # A road after a crossing's word is a side road there, and what is no part of the address is redundant.
    assert labelled("柳浦路与星桥路交叉口") == [
        ("柳浦路", "road"), ("与", "assist"), ("星桥路", "subroad"), ("交叉口", "assist"),
    ]  # fmt: skip
    # Where their tokens leave it whole, so do we.
    whole = as_labelled("柳浦路82-11号", parser.parse("柳浦路82-11号"), ["柳", "浦", "路", "82-11", "号"])
    assert whole[1:] == [(3, 9, "roadno")]
    # A villagers' group is a road, but a place when it is called 社 or 队; a second road is a side road.
    assert labelled("青竹村5组")[1] == ("5组", "road")
    assert labelled("青竹村5队")[1] == ("5队", "poi")
    assert labelled("青竹村5组柳浦路")[2] == ("柳浦路", "subroad")
    assert labelled("萧山区--柳浦路") == [("萧山区", "district"), ("--", "redundant"), ("柳浦路", "road")]


def test_tokens_have_the_label_of_their_first_character() -> None:
    spans = [(0, 2, "road"), (2, 5, "roadno")]
    assert on_tokens(["柳", "路", "12", "号"], spans) == ["B-road", "I-road", "B-roadno", "I-roadno"]
