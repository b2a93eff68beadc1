"""What a finding says: its sentence and its severity, from the trace's declaration."""

from __future__ import annotations

from traces.declaration import Trace
from traces.evaluate import Episode, iso


def sentence(trace: Trace, episode: Episode, subject: str) -> tuple[str, str]:
    """A finding in Chinese and in English.

    Args:
        subject: what to call what it is about.
    """
    parts = {
        "subject": subject, "count": episode.count, "days": episode.days,
        "first": iso(episode.first), "last": iso(episode.last),
    }  # fmt: skip
    return trace.sentence.zh.format(**parts), trace.sentence.en.format(**parts)


def severity(trace: Trace, episode: Episode) -> tuple[str, tuple[str, str] | None]:
    """The severity of a finding, a term's code, and why where the declaration says so."""
    for grade in trace.severity:
        if grade.count is not None and episode.count < grade.count:
            continue
        if grade.days is not None and episode.days < grade.days:
            continue
        return grade.severity, (grade.zh, grade.en) if grade.zh and grade.en else None
    raise ValueError("the last grade holds for all others")
