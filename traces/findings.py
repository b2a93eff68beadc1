"""From episodes to findings: what is found, grows, is merged, returns or closes by itself. A pure function of what stood before.

The same cause never alarms twice: episodes that share something with a finding are that finding. What comes back about a
subject after its finding had closed is a new one that names the last. What a person has dismissed stays so until its exception ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from ledger.findings import Change, Finding
from traces.declaration import Trace
from traces.evaluate import Episode, day_of, iso
from traces.words import sentence, severity

CLEARED, NEW = "cleared", "new"
# States that a person has ended a finding with: what shows it is judged.
_ENDED = frozenset({"dismissed"})


def reconcile(
    trace: Trace,
    subject: str,
    before: Iterable[Finding],
    episodes: Sequence[Episode],
    now: str,
    title: str,
    excepted: bool = False,
) -> list[Change]:
    """The changes to a subject's findings that its episodes call for; none where all is as it was.

    Args:
        before: the subject's findings as they stand.
        episodes: in order of time.
        now: moment, ISO.
        title: what to call the subject.
        excepted: whether nothing is to be found about the subject for now.
    """
    held = [f for f in before if f.merged_into is None]
    changes: list[Change] = []
    taken: set[str] = set()
    for episode in sorted(episodes, key=lambda e: (e.first, e.last, e.ids)):
        ids = set(episode.ids)
        mine = [f for f in held if f.id not in taken and ids & set(f.shown_by)]
        mine.sort(key=lambda f: (f.found_at, f.first, f.id))
        taken |= {f.id for f in mine}
        standing = [f for f in mine if f.is_open]
        if standing:
            first, *others = standing
            changes += [Change(replace(closed(o, now), merged_into=first.id), "merged") for o in others]
            changes += _grown(trace, first, episode, now, title)
        elif episode.open and not excepted and _is_new(mine, ids):
            over = (f for f in held if not f.is_open)
            ended = max(over, key=lambda f: (f.closed_at or "", f.id), default=None)
            found = _found(trace, subject, episode, now, title, ended)
            changes.append(Change(found, "returned" if ended else "found"))
    changes += [Change(closed(f, now), "cleared") for f in held if f.is_open and f.id not in taken]
    return changes


def closed(finding: Finding, now: str) -> Finding:
    """A finding that closes by itself."""
    return replace(finding, state=CLEARED, closed_at=now, changed_at=now, revision=finding.revision + 1)


def _is_new(closed: Sequence[Finding], ids: set[str]) -> bool:
    """Whether an episode is more than what a person has dismissed."""
    return not any(f.state in _ENDED and ids <= set(f.shown_by) for f in closed)


def _grown(trace: Trace, found: Finding, episode: Episode, now: str, title: str) -> list[Change]:
    if not episode.open:
        return [Change(closed(found, now), "cleared")]
    grown = _told(trace, episode, title, found)
    if trace.version != found.trace_version and _evidence(grown) == _evidence(found):
        # Told as the version did that found it, until there is more of it.
        return []
    # What stands beside it may change from day to day, which is no news of it.
    if replace(grown, beside=found.beside) == found:
        return []
    return [Change(replace(grown, changed_at=now, revision=found.revision + 1), "grown")]


def _evidence(finding: Finding) -> tuple[object, ...]:
    return finding.shown_by, finding.count, finding.first, finding.last


def _found(
    trace: Trace, subject: str, episode: Episode, now: str, title: str, ended: Finding | None
) -> Finding:
    parts = (trace.trace, subject, episode.ids[0], ended.id if ended else "")
    id = "fin_" + blake2b("|".join(parts).encode(), digest_size=8).hexdigest()
    bare = Finding(
        id, trace.trace, trace.version, subject, NEW, "", "", "", (), "", "", 0, now, now,
        return_of=ended.id if ended else None,
    )  # fmt: skip
    return _told(trace, episode, title, bare)


def _told(trace: Trace, episode: Episode, title: str, found: Finding) -> Finding:
    """A finding with what an episode says of it."""
    if not episode.dated:
        # What has no day of its own is told since it was found: it does not change from one day to the next.
        day = day_of(found.found_at)
        episode = replace(episode, first=day, last=day)
    zh, en = sentence(trace, episode, title)
    grade, why = severity(trace, episode)
    why_zh, why_en = why or (None, None)
    return replace(
        found, severity=grade, sentence_zh=zh, sentence_en=en, why_zh=why_zh, why_en=why_en, shown_by=episode.ids,
        beside=episode.beside, first=iso(episode.first), last=iso(episode.last), count=episode.count,
    )  # fmt: skip
