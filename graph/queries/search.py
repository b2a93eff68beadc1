"""Search over names, codes, plates, phones, numbers and addresses: one look into the full-text index, grouped by kind."""

from __future__ import annotations

import re

from graph.constraints import FULL_TEXT

HITS = 400
_SPECIAL = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|])')
_PLAIN = re.compile(r"[0-9A-Za-z]{2,}")


def lucene(text: str) -> str:
    """What a person typed as a query of the index: the words as they stand, and codes also by their beginning."""
    words = text.split()[:8]
    parts = []
    for word in words:
        escaped = _SPECIAL.sub(r"\\\1", word)
        phrase = f'"{escaped}"'
        parts.append(f"({phrase} OR {escaped.lower()}*)" if _PLAIN.fullmatch(word) else phrase)
    return " AND ".join(parts)


def statement(groups: dict[str, tuple[str, str]]) -> str:
    """One row: label → {rows, total}.

    Args:
        groups: label → (conditions after `WHERE n:Label`, map of the node `n`); the hits are in `$text`, sizes in `$skip_…`.
    """
    parts = []
    for label, (where, node) in groups.items():
        parts.append(
            f"{label}: {{rows: COLLECT {{ UNWIND hits AS h WITH h.node AS n, h.score AS score WHERE n:{label}{where} "
            f"WITH n, score ORDER BY score DESC, n.id SKIP $skip LIMIT $first RETURN {{score: score, node: {node}}} }}, "
            f"total: COUNT {{ UNWIND hits AS h WITH h.node AS n WHERE n:{label}{where} RETURN n }}}}"
        )
    return (
        f"CALL db.index.fulltext.queryNodes('{FULL_TEXT}', $text, {{limit: {HITS}}}) YIELD node, score "
        f"WITH collect({{node: node, score: score}}) AS hits RETURN {{{', '.join(parts)}}} AS found"
    )
