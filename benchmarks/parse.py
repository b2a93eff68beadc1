"""`python -m benchmarks parse --corpus DIR`: the parser on labelled addresses from all over China.

DIR holds `train.txt` and `dev.txt` of github leodotnet/neural-chinese-address-parsing (a token and its label a line, an empty
line after each address). They have no licence: they are no part of this repository, and nothing in it was computed from them.
Its `test.txt` is not read. Printed are precision, recall and F1 over chunks as conlleval counts them: a chunk is right when
its tokens and its label are exactly the labelled ones.
"""

from __future__ import annotations

import gc
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from addresses.lattice import is_range
from addresses.parser import Parser
from addresses.resolution import Element

console = Console(width=None if sys.stdout.isatty() else 130)

Chunk = tuple[int, int, str]  # first token, token after the last, label

# Our element types → the labels of the corpus' guideline.
LABELS: Final = {
    "country": "country", "11": "prov", "12": "city", "13": "district", "dev_zone": "devzone", "21": "town", "22": "town",
    "23": "town", "31": "community", "32": "community", "33": "community", "34": "road", "41": "road", "sub_road": "subroad",
    "road_no": "roadno", "sub_road_no": "subroadno", "42": "poi", "poi": "poi", "industrial_park": "poi",
    "natural_village": "poi", "sub_poi": "subpoi", "building": "houseno", "unit": "cellno", "floor": "floorno",
    "room": "roomno", "occupant": "person", "person_name": "person", "direction": "assist", "distance": "assist",
    "intersection": "assist", "repeated": "redundant", "noise": "redundant", "phone": "redundant",
}  # fmt: skip
AIMS: Final = ("district", "town", "road", "roadno")
_MUNICIPALITY: Final = re.compile(r"(?:北京|上海|天津|重庆)市")
_TOWNS_THEN: Final = ("临平",)  # a county since 2021; the addresses are older
_HYPHENED: Final = re.compile(r"([0-9]+)(-+)([0-9]+)号?")


def _one(hyphened: re.Match[str]) -> bool:
    """Whether their annotators left a number with a hyphen whole: a range, or 57-1 without 号."""
    low, high = int(hyphened[1]), int(hyphened[3])
    return is_range(low, high) or (high < 10 and not hyphened[0].endswith("号"))


class Labelled(NamedTuple):
    """An address of the corpus: its tokens (a number is one) and a label each, as `B-road`."""

    tokens: tuple[str, ...]
    labels: tuple[str, ...]


def read_corpus(path: Path) -> Iterator[Labelled]:
    """The addresses of a file; labels in lower case, as the guideline has them."""
    tokens: list[str] = []
    labels: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.strip():
            token, _, label = line.rpartition(" ")
            tokens.append(token)
            labels.append(label[:2] + label[2:].lower())
        elif tokens:
            yield Labelled(tuple(tokens), tuple(labels))
            tokens, labels = [], []


def chunks_of(labels: Sequence[str]) -> set[Chunk]:
    """The chunks of a row of labels, as conlleval has them: B- begins one, and so does I- after another label."""
    found: list[list[int | str]] = []
    for at, label in enumerate(labels):
        kind = label[2:]
        if label[0] == "B" or not found or found[-1][2] != kind or found[-1][1] != at:
            found.append([at, at + 1, kind])
        else:
            found[-1][1] = at + 1
    return {(int(a), int(b), str(k)) for a, b, k in found}


def as_labelled(
    text: str, elements: Sequence[Element], tokens: Sequence[str] = ()
) -> list[tuple[int, int, str]]:
    """Elements in the corpus' labels and conventions: spans of characters that cover the text, each with its label.

    What its guideline and labelled addresses do otherwise than we: a municipality is a city; a second road is a side road; a villagers' group is a road when it is called 组 and a place when it is called 社 or 队; 12-5号 is a house
    number and a building unless it is a range, or one of `tokens`; what was a town before it was a county is one; what is no
    part of the address is redundant.
    """
    inside: set[int] = set()
    at = 0
    for token in tokens:
        inside.update(range(at + 1, at + len(token)))
        at += len(token)
    found: list[tuple[int, int, str]] = []
    before = ""
    last = 0
    crossing = False
    for element in elements:
        start, end = element.start, element.end
        label = LABELS[element.type]
        if element.type == "11" and _MUNICIPALITY.fullmatch(element.text):
            label = "city"
        elif element.type == "41" and crossing:
            label = "subroad"
        elif element.type == "road_no" and before == "subroad":
            label = "subroadno"
        elif element.type == "34" and element.text[-1] in "社队":
            label = "poi"
        elif element.type == "13" and element.text in _TOWNS_THEN:
            label = "town"
        if last < start:
            found.append((last, start, "redundant"))
        hyphened = _HYPHENED.fullmatch(element.text) if label in ("roadno", "subroadno") else None
        if hyphened and not _one(hyphened) and start + hyphened.end(1) not in inside:
            cut, rest = start + hyphened.end(1), start + hyphened.start(3)
            found += [(start, cut, label), (cut, rest, "redundant"), (rest, end, "houseno")]
            label = "houseno"
        else:
            found.append((start, end, label))
        crossing = crossing or label == "road"
        if label != "redundant":
            before = label
        last = end
    if last < len(text):
        found.append((last, len(text), "redundant"))
    return found


def on_tokens(tokens: Sequence[str], spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """Labels of tokens from labels of characters: a token has the label of its first character."""
    label_at: dict[int, str] = {}
    for start, end, label in spans:
        for at in range(start, end):
            label_at[at] = ("B-" if at == start else "I-") + label
    labels = []
    at = 0
    for token in tokens:
        labels.append(label_at[at])
        at += len(token)
    return labels


class Counted(NamedTuple):
    """How many chunks of each label are in the corpus, were found, and were found right; the addresses that are wrong."""

    labelled: Counter[str]
    found: Counter[str]
    right: Counter[str]
    wrong: list[tuple[Labelled, set[Chunk], set[Chunk]]]
    addresses: int
    seconds: float


def count(parser: Parser, corpus: Sequence[Labelled]) -> Counted:
    """Parses a corpus and compares. `seconds` are those of one core for the parsing alone."""
    texts = ["".join(a.tokens) for a in corpus]
    begun = time.process_time()
    parsed = parser.parse_all(texts)
    seconds = time.process_time() - begun
    counted = Counted(Counter(), Counter(), Counter(), [], len(texts), seconds)
    for address, text, elements in zip(corpus, texts, parsed, strict=True):
        labelled = chunks_of(address.labels)
        found = chunks_of(on_tokens(address.tokens, as_labelled(text, elements, address.tokens)))
        counted.labelled.update(k for *_, k in labelled)
        counted.found.update(k for *_, k in found)
        counted.right.update(k for *_, k in labelled & found)
        if labelled != found:
            counted.wrong.append((address, labelled, found))
    return counted


def scores(labelled: int, found: int, right: int) -> tuple[float, float, float]:
    """Precision, recall and F1; 0 where nothing is."""
    precision = right / found if found else 0.0
    recall = right / labelled if labelled else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def shown(address: Labelled, chunks: set[Chunk], others: set[Chunk]) -> str:
    """An address with its labels, those that the other side has not in brackets."""
    parts = []
    for chunk in sorted(chunks):
        first, last, label = chunk
        part = f"{''.join(address.tokens[first:last])}/{label}"
        parts.append(part if chunk in others else f"[{part}]")
    return " ".join(parts)


def main(
    corpus: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="folder with train.txt and dev.txt")
    ],
    near: Annotated[str, typer.Option(help="list the wrong addresses of dev that hold this text")] = "萧山",
) -> None:
    """The parser's precision, recall and F1 on train and dev, and its speed."""
    begun = time.perf_counter()
    parser = Parser()
    parser.parse("浙江省杭州市萧山区市心中路1号")
    console.print(f"parser ready in {time.perf_counter() - begun:.1f} s")
    read = {name: list(read_corpus(corpus / f"{name}.txt")) for name in ("train", "dev")}
    gc.collect()
    gc.freeze()  # as the server does: what is read once is not looked through again for garbage
    counted = {name: count(parser, addresses) for name, addresses in read.items()}
    table = Table(
        "label", "chunks", *(f"{n} {s}" for n in counted for s in ("P", "R", "F1")), title="chunks, conlleval"
    )
    labels = [k for k, _ in counted["dev"].labelled.most_common()]
    labels += sorted(set(counted["train"].labelled) - set(labels))
    for label in ["all", *labels]:
        cells = []
        for c in counted.values():
            of = [x.total() if label == "all" else x[label] for x in (c.labelled, c.found, c.right)]
            cells += [f"{100 * v:.2f}" for v in scores(*of)]
        dev = counted["dev"].labelled
        table.add_row(
            label + (" *" if label in AIMS else ""),
            f"{dev.total() if label == 'all' else dev[label]:,}",
            *cells,
        )
    console.print(table)
    for name, c in counted.items():
        console.print(
            f"{name}: {c.addresses:,} addresses, {1 - len(c.wrong) / c.addresses:.1%} wholly right, "
            f"{c.addresses / c.seconds:,.0f} addresses/s of one core"
        )
    wrong = [w for w in counted["dev"].wrong if near in "".join(w[0].tokens)]
    all_near = sum(near in "".join(a.tokens) for a in read["dev"])
    console.print(f"dev addresses with {near}: {all_near}, of which wrong {len(wrong)}")
    for address, labelled, found in wrong:
        print("  labelled", shown(address, labelled, found))
        print("  parsed  ", shown(address, found, labelled))
