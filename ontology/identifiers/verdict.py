"""What a check of an identifier says: separate verdicts, so that a feed can decide which of them it rejects on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ontology.text import half_width


class Check(StrEnum):
    """The outcome of one check.

    BAD in `region` is a warning: numbers are kept for life while divisions change, and tables age.
    """

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about one identifier.

    Attributes:
        normal: its normal form, or None when its form is bad.
        form: length and characters.
        checksum: its check character.
        date: the date in it.
        region: the division or number range in it; never a reason to reject.
        kind: which of the forms it has, in the words of its module.
        birth: the date of birth in it, YYYY-MM-DD.
        sex: `M` or `F`, when it says.
        division: the division code or plate authority in it, as written.
        inner: the check of a number within the number (the organisation code in a USCC); a warning.
    """

    normal: str | None
    form: Check
    checksum: Check = Check.NOT_APPLICABLE
    date: Check = Check.NOT_APPLICABLE
    region: Check = Check.NOT_APPLICABLE
    kind: str | None = None
    birth: str | None = None
    sex: str | None = None
    division: str | None = None
    inner: Check = Check.NOT_APPLICABLE

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it: form, checksum and date are not BAD."""
        return Check.BAD not in (self.form, self.checksum, self.date)


MALFORMED = Verdict(normal=None, form=Check.BAD)
"""The verdict on what has none of the known forms."""

_SEPARATORS = re.compile(r"[\s\-‐‑–—·•・.．。_]+")


def fold(text: str) -> str:
    """Full-width to half-width, upper case, without blanks, hyphens and dots."""
    return _SEPARATORS.sub("", half_width(text)).upper()
