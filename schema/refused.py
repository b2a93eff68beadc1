"""What a mutation answers that was not taken."""

from __future__ import annotations

from typing import Any

import strawberry

from ontology.errors import QuanxiError


@strawberry.type(description="未受理及其原因 · not taken, and why")
class Refused:
    code: str
    zh: str
    en: str

    is_type_of = classmethod(lambda cls, source, info: "zh" in source)


def refused(error: QuanxiError) -> dict[str, Any]:
    """An error as the answer that a mutation gives instead of raising it."""
    return {"code": error.code, "zh": error.zh, "en": error.en}
