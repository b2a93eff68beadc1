"""A trace in a Chinese sentence and an English one, from its declaration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ontology import ONTOLOGY
from ontology.terms import Terms
from traces.declaration import Absent, Chain, Pattern, Repeat, Sequence, Surge, Together, Trace
from traces.things import STEP, Test, Things, Wanted, number_of, said_of

Two = tuple[str, str]
_PLACES = {"OWN": ("同一处", "at the same place"), "BUILDING": ("同一幢", "in the same building"), "COMMUNITY": ("同一村社", "in the same community"), "STREET": ("同一镇街", "in the same street")}  # fmt: skip


class Explainer:
    """Says what traces look for.

    Args:
        values: of the trace's parameters.
    """

    def __init__(self, trace: Trace, values: Mapping[str, int], terms: Terms) -> None:
        self._trace = trace
        self._values = values
        self._terms = terms

    def sentences(self) -> Two:
        """The trace in Chinese and in English."""
        zh, en = self._pattern(self._trace.pattern)
        where_zh, where_en = self._subject()
        quiet = self._trace.quiet
        end_zh, end_en = "不再成立即消除", "closed once it no longer holds"
        if quiet is not None:
            days = number_of(quiet, self._values)
            end_zh, end_en = f"{days} 天无新增自动消除", f"closed after {days} days without more"
        if self._trace.shows:
            beside = [self._things(things) for things in self._trace.shows]
            zh += ";并列出" + "、".join(b[0] for b in beside)
            en += "; shown beside: " + ", ".join(b[1] for b in beside)
        return f"{where_zh}:{zh};{end_zh}。", f"{_capital(where_en)}: {en}; {end_en}."

    def _subject(self) -> Two:
        subject = self._trace.subject
        if subject.place is not None:
            return _PLACES[subject.place]
        if subject.pair is not None:
            return "同一双方", "between the same two parties"
        entity = ONTOLOGY.entities[subject.node or ""]
        return f"同一{entity.zh}", f"of one {entity.en.lower()}"

    def _pattern(self, pattern: Pattern) -> Two:
        zh, en = self._block(pattern)
        if pattern.unless is not None:
            but_zh, but_en = self._pattern(pattern.unless)
            return f"{zh},但 {but_zh} 的除外", f"{en}, unless {but_en}"
        return zh, en

    def _block(self, pattern: Pattern) -> Two:
        if pattern.repeat is not None:
            return self._repeat(pattern.repeat)
        if pattern.sequence is not None:
            return self._sequence(pattern.sequence)
        if pattern.together is not None:
            return self._together(pattern.together)
        if pattern.absent is not None:
            return self._absent(pattern.absent)
        if pattern.surge is not None:
            return self._surge(pattern.surge)
        if pattern.chain is not None:
            return self._chain(pattern.chain)
        parts = [self._pattern(p) for p in pattern.all or pattern.any or ()]
        zh, en = ("且", " and ") if pattern.all is not None else ("或", " or ")
        return zh.join(f"({p[0]})" for p in parts), en.join(f"({p[1]})" for p in parts)

    def _repeat(self, repeat: Repeat) -> Two:
        zh, en = self._things(repeat.of)
        least = number_of(repeat.minimum, self._values)
        once_zh, once_en = "", ""
        if repeat.once != "matter":
            step = STEP.fullmatch(repeat.once[-1])
            label = step[4] if step is not None and step[4] else None
            if label is not None:
                entity = ONTOLOGY.entities[label]
                once_zh, once_en = f",按{entity.zh}去重", f", each {entity.en.lower()} once"
        elif repeat.of.label == "Incident":
            once_zh, once_en = ",一事计一次", ", a matter once"
        if repeat.within is None:
            return f"现有{zh} {least} 个以上{once_zh}", f"at least {least} {en} now{once_en}"
        days = number_of(repeat.within, self._values)
        return (
            f"{days} 天内{zh} {least} 起以上{once_zh}",
            f"at least {least} {en} within {days} days{once_en}",
        )

    def _sequence(self, turn: Sequence) -> Two:
        days = number_of(turn.within, self._values)
        zh, en = "", ""
        for i, step in enumerate(turn.steps):
            said_zh, said_en = self._things(step.of)
            zh += said_zh if i == 0 else f"后 {days} 天内又有{said_zh}"
            en += said_en if i == 0 else f", then {said_en} within {days} days"
            if step.measure is not None:
                field = ONTOLOGY.entities[step.of.label].fields()[step.measure].meta
                zh, en = f"{zh}(自{field.zh}起)", f"{en} (from {field.en})"
        if turn.same:
            fields = [ONTOLOGY.entities[turn.steps[0].of.label].fields()[f].meta for f in turn.same]
            zh = f"{zh},{'、'.join(f.zh for f in fields)}相同"
            en = f"{en}, alike in {' and '.join(f.en for f in fields)}"
        return zh, en

    def _together(self, together: Together) -> Two:
        parts = [self._repeat(r) for r in together.of]
        return "同时有:" + ";".join(p[0] for p in parts), "together: " + "; ".join(p[1] for p in parts)

    def _absent(self, absent: Absent) -> Two:
        zh, en = self._things(absent.of)
        not_zh, not_en = self._things(absent.expected)
        if absent.within is not None:
            days = number_of(absent.within, self._values)
            return f"{zh}后 {days} 天内没有{not_zh}", f"{en} that {not_en} did not follow within {days} days"
        if absent.at == "now":
            return f"有{zh}而没有{not_zh}", f"{en} without {not_en}"
        return f"{zh}当日没有{not_zh}", f"{en} with no {not_en} on the day"

    def _surge(self, surge: Surge) -> Two:
        zh, en = self._things(surge.of)
        window, least = number_of(surge.window, self._values), number_of(surge.minimum, self._values)
        if surge.past is None:
            return (
                f"近 {window} 天{zh} {least} 起以上,多于同级邻近各处所能预期(偶然概率不足 {surge.chance:g})",
                f"at least {least} {en} in the last {window} days, more than its neighbours let expect (by chance: {surge.chance:g})",
            )
        past = number_of(surge.past, self._values)
        return (
            f"近 {window} 天{zh} {least} 起以上,多于此前 {past} 天所能预期(偶然概率不足 {surge.chance:g})",
            f"at least {least} {en} in the last {window} days, more than the {past} days before let expect (by chance: {surge.chance:g})",
        )

    def _chain(self, chain: Chain) -> Two:
        zh, en = self._things(chain.of)
        for leg in chain.legs:
            step = STEP.fullmatch(leg.way)
            assert step is not None
            link, entity = ONTOLOGY.links[step[2]], ONTOLOGY.entities[leg.label]
            least, most = leg.times
            times_zh = "" if (least, most) == (1, 1) else f"({least}–{most} 步)"
            times_en = "" if (least, most) == (1, 1) else f" ({least} to {most} steps)"
            zh += f"—{link.zh}{times_zh}→{entity.zh}" if not step[1] else f"←{link.zh}{times_zh}—{entity.zh}"
            en += f" {'<' if step[1] else ''}{link.en}{times_en} {entity.en.lower()}"
        if chain.closed:
            return f"{zh},首尾相接", f"{en}, back to where it began"
        return zh, en

    def _things(self, things: Things) -> Two:
        entity = ONTOLOGY.entities[things.label]
        zh, en = entity.zh, entity.en.lower()
        if things.kinds:
            found = [self._terms.get("incident_kind", k) for k in things.kinds]
            zh, en = "、".join(t.zh for t in found), " or ".join(t.en.lower() for t in found)
        conditions = [self._wanted(things.label, f, w) for f, w in things.where.items()]
        for related in things.having:
            label = ONTOLOGY.entities[related.label]
            also = [self._wanted(related.label, f, w) for f, w in related.where.items()]
            inner_zh = f"({','.join(c[0] for c in also)})" if also else ""
            inner_en = f" ({', '.join(c[1] for c in also)})" if also else ""
            step = STEP.fullmatch(related.way[-1])
            assert step is not None
            link = ONTOLOGY.links[step[2]]
            # What stands at the same place may be there in several ways: by which one is what matters.
            by_zh, by_en = (f"{link.zh}同址", f" here ({link.en})") if related.here else ("", "")
            conditions.append(
                (
                    f"{'无' if related.none else '有'}{by_zh}{label.zh}{inner_zh}",
                    f"{'no' if related.none else 'with'} {label.en.lower()}{by_en}{inner_en}",
                )
            )
        if things.time is not None:
            when = ONTOLOGY.entities[things.label].fields()[things.time].meta
            late = f"后 {things.grace} 天" if things.grace else ""
            after = f" {things.grace} days after" if things.grace else ""
            conditions.append((f"自{when.zh}{late}起", f"from{after} {when.en} on"))
        elif things.grace:
            conditions.append((f"满 {things.grace} 天", f"for {things.grace} days"))
        if things.near is not None:
            metres = number_of(things.near, self._values)
            zh, en = f"{metres} 米内{zh}", f"{en} within {metres} m"
        if conditions:
            zh += f"({','.join(c[0] for c in conditions)})"
            en += f" ({', '.join(c[1] for c in conditions)})"
        return zh, en

    def _wanted(self, label: str, name: str, wanted: Wanted) -> Two:
        meta = ONTOLOGY.entities[label].fields()[name].meta
        if isinstance(wanted, Test):
            zh, en = [], []
            if wanted.known is not None:
                zh.append("已知" if wanted.known else "未填")
                en.append("known" if wanted.known else "not known")
            if wanted.at_least is not None:
                zh.append(f"≥ {self._shown(meta.terms, wanted.at_least)[0]}")
                en.append(f"≥ {self._shown(meta.terms, wanted.at_least)[1]}")
            if wanted.at_most is not None:
                zh.append(f"≤ {self._shown(meta.terms, wanted.at_most)[0]}")
                en.append(f"≤ {self._shown(meta.terms, wanted.at_most)[1]}")
            if wanted.hours is not None:
                zh.append(f"在 {wanted.hours[0]}–{wanted.hours[1]}")
                en.append(f"between {wanted.hours[0]} and {wanted.hours[1]}")
            if wanted.none_of is not None:
                shown = [self._shown(meta.terms, v) for v in wanted.none_of]
                zh.append("非" + "、".join(s[0] for s in shown))
                en.append("not " + " or ".join(s[1] for s in shown))
            return f"{meta.zh}{'且'.join(zh)}", f"{meta.en} {' and '.join(en)}"
        if isinstance(wanted, bool):
            return f"{'' if wanted else '非'}{meta.zh}", f"{meta.en}: {'yes' if wanted else 'no'}"
        shown = [self._shown(meta.terms, v) for v in (wanted if isinstance(wanted, list) else [wanted])]
        return (
            f"{meta.zh}为{'或'.join(s[0] for s in shown)}",
            f"{meta.en}: {' or '.join(s[1] for s in shown)}",
        )

    def _shown(self, terms: str | None, value: Any) -> Two:
        value = said_of(value, self._values)
        if terms is not None and isinstance(value, str):
            term = self._terms.get(terms, value)
            return term.zh, term.en.lower()
        return str(value), str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
