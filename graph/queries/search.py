"""Search over names, codes, plates, phones, numbers and addresses: one look into the full-text index, grouped by kind."""

from __future__ import annotations

import re

from graph.constraints import FULL_TEXT

# How many of the best hits are looked at; more where most of them may lie outside of the area asked about or allowed.
HITS = 400
HITS_NARROWED = 20_000
_SPECIAL = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|])')
_CHARACTER = re.compile(r"[\u4e00-\u9fff]")
_PLAIN = re.compile(r"[0-9A-Za-z]{2,}")


def lucene(text: str) -> str:
    """What a person typed as a query of the index: the words as they stand, and codes also by their beginning."""
    words = text.split()[:8]
    parts = []
    for word in words:
        escaped = _SPECIAL.sub(r"\\\1", word)
        phrase = f'"{escaped}"'
        # The analyser cuts Chinese into pairs of characters: one alone is the beginning of a pair.
        begins = _PLAIN.fullmatch(word) or _CHARACTER.fullmatch(word)
        parts.append(f"({phrase} OR {escaped.lower()}*)" if begins else phrase)
    return " AND ".join(parts)


def statement(groups: dict[str, tuple[str, str]]) -> str:
    """One row: label → {rows, total}, of the nodes that meet the conditions.

    Args:
        groups: label → (conditions after `WHERE n:Label`, map of the node `n`). Parameters: `$text`, `$hits`, `$skip`, `$first`.

    The row's `_hits` is how many there were of all labels.
    """
    parts = []
    for label, (where, node) in groups.items():
        parts.append(
            f"{label}: {{rows: COLLECT {{ UNWIND hits AS h WITH h.node AS n, h.score AS score WHERE n:{label}{where} "
            f"WITH n, score ORDER BY score DESC, n.id SKIP $skip LIMIT $first RETURN {{score: score, node: {node}}} }}, "
            f"total: COUNT {{ UNWIND hits AS h WITH h.node AS n WHERE n:{label}{where} RETURN n }}}}"
        )
    return (
        f"CALL db.index.fulltext.queryNodes('{FULL_TEXT}', $text, {{limit: $hits}}) YIELD node, score "
        f"WITH collect({{node: node, score: score}}) AS hits RETURN {{_hits: size(hits), {', '.join(parts)}}} AS found"
    )
