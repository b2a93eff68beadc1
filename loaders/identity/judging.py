"""Decisions about who is whom, for the people who look at them: links, questions, and judgements of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loaders.identity.linker import SEPARATOR, IdentityLink, Linker
from loaders.run import Loader
from loaders.why import Explainer, Fact
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

VERDICTS = {True: "same", False: "different"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a person decided of a link: `same` or `different`, why, who and when."""

    verdict: str
    reason: str | None
    judge: str
    at: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A link with what is known of it.

    Attributes:
        subject: `person` or `incident`.
        entity, of: the entities that its two raw ones are known as; the same one once they are linked.
    """

    subject: str
    link: IdentityLink
    entity: str
    of: str
    judged: Judged | None

    @property
    def id(self) -> str:
        return self.link.id


class Judging:
    """Answers about links, and takes judgements. Safe to use from several threads, beside its explainer."""

    def __init__(self, loader: Loader, explainer: Explainer) -> None:
        self._loader = loader
        self._explainer = explainer
        self._lock = explainer.lock

    def decisions(self, subject: str, state: str, first: int, skip: int = 0) -> tuple[list[Decision], int]:
        """A page of links in a state (LINK or ASK), the surest first, and how many there are in all."""
        with self._lock:
            self._loader.refresh()
            linker = self._linker(subject)
            found = linker.links(state, limit=first, skip=skip)
            return [self._decision(linker, link) for link in found], linker.count(state)

    def questions(self, id: str) -> list[Decision]:
        """The open questions about one entity, the surest first."""
        with self._lock:
            self._loader.refresh()
            for linker in self._loader.known_as.linkers:
                if id.startswith(linker.prefix):
                    return [self._decision(linker, link) for link in linker.links("ASK", id)]
            return []

    def decision(self, id: str) -> Decision:
        """One link by its id.

        Raises:
            UsageError: NOT_FOUND.
        """
        with self._lock:
            self._loader.refresh()
            return self._by_id(id)

    def said_of(self, raw: str) -> list[Fact]:
        """What the records about one side of a link say of it."""
        return self._explainer.said_of(raw)

    def judge(self, id: str, same: bool, reason: str, judge: str) -> Decision:
        """Keeps what a person decided; the graph follows when it is next applied. A later judgement replaces an earlier.

        Raises:
            UsageError: NOT_FOUND; BAD_ARGUMENT without a reason.
        """
        if not reason.strip():
            raise UsageError("BAD_ARGUMENT", "须说明理由", "say why: a judgement has a reason")
        with self._lock:
            self._loader.refresh()
            held = self._by_id(id)
            at = datetime.now(SHANGHAI).isoformat(timespec="seconds")
            self._loader.ledger.judge(
                held.subject, held.link.raw, held.link.same, VERDICTS[same], judge, at, reason.strip()
            )
            return self._by_id(id)

    def _by_id(self, id: str) -> Decision:
        raw, _, same = id.partition(SEPARATOR)
        for linker in self._loader.known_as.linkers:
            if raw.startswith(linker.prefix):
                link = linker.link(raw, same)
                judged = self._judged(linker, raw, same)
                if link is None and judged is not None:
                    # Judged to be two: there is no link any more, and the judgement can be taken back.
                    link = IdentityLink(raw, same, "ASK", 0.0, "judgement", linker.version)
                if link is not None:
                    return self._decision(linker, link)
        raise UsageError("NOT_FOUND", f"没有编号为 {id[:80]} 的关联", f"there is no link {id[:80]}")

    def _decision(self, linker: Linker, link: IdentityLink) -> Decision:
        entity, of = (linker.same.get(raw, raw) for raw in (link.raw, link.same))
        return Decision(linker.subject, link, entity, of, self._judged(linker, link.raw, link.same))

    def _judged(self, linker: Linker, raw: str, same: str) -> Judged | None:
        found = self._loader.ledger.judgement(linker.subject, raw, same)
        return Judged(*found) if found is not None and found[0] != "open" else None

    def _linker(self, subject: str) -> Linker:
        return next(x for x in self._loader.known_as.linkers if x.subject == subject)
