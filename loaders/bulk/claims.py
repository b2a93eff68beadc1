"""A feed's rows → their claims as frames: `loaders.mapping`, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from loaders.declaration import ColumnType, EntityClaim, Feed, LinkClaim
from loaders.mapping import SEPARATOR, mention_namespace, mint, split_template
from ontology import ONTOLOGY, identifiers
from ontology.names import is_full_name
from ontology.terms import Terms

# Columns that every frame of claims carries beside the values, apart from them by their name.
RECORD = ("__feed", "__rkey", "__effective", "__hash")
TYPES: dict[type, Any] = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean, str: pl.String}
_CITIZEN, _CODE = "C:", "U:"


@dataclass(frozen=True, slots=True)
class NodeFrame:
    """Claims of one alias: `id`, `__trust`, `__slot`, the record's columns, and a column for each field that it may set."""

    label: str
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class LinkFrame:
    """Claims of one declared link: `__start`, `__end` or `__place`, `__role`, `__since`, `__until`, `__trust`, `__slot`,
    the record's columns, and a column for each value that it may set."""

    type: str
    start: str
    end: str
    rows: pl.DataFrame


def mapped(values: pl.Series, function: Callable[[str], Any], dtype: Any = pl.String) -> pl.Series:
    """The function's value for each text, called once for each distinct one."""
    distinct = values.drop_nulls().unique()
    results = pl.Series("to", [function(v) for v in distinct.to_list()], dtype=dtype)
    table = pl.DataFrame({"from": distinct, "to": results})
    return values.to_frame("from").join(table, on="from", how="left", maintain_order="left").get_column("to")


class ColumnMapper:
    """The claims of a feed's rows, as `loaders.mapping.Mapper` gives them record by record."""

    def __init__(self, feed: Feed, terms: Terms, secret: bytes) -> None:
        self.feed = feed
        self._terms = terms
        self._secret = secret

    def claims(self, rows: pl.DataFrame) -> tuple[list[NodeFrame], list[LinkFrame]]:
        """All claims of checked rows that carry the record's columns as well."""
        for name, derived in self.feed.derive.items():
            if derived.template is not None:
                rows = rows.with_columns(self._template(derived.template, rows, derived.whole).alias(name))
        ids: dict[str, pl.Series] = {}
        nodes = []
        for slot, (alias, claim) in enumerate(self.feed.entities.items()):
            made = self._entity(rows, alias, claim, slot)
            if made is not None:
                ids[alias], frame = made
                nodes.append(frame)
        joined = [self._link(rows, ids, link, slot) for slot, link in enumerate(self.feed.links)]
        return nodes, [link for link in joined if link is not None]

    # -- values -----------------------------------------------------------------------------------------------------

    def _template(self, template: str, rows: pl.DataFrame, whole: bool = False) -> pl.Expr:
        parts: list[pl.Expr] = []
        needed = split_template(template)[1::2] if whole else []
        if not set(needed).issubset(rows.columns):
            return pl.lit(None, dtype=pl.String)
        for i, part in enumerate(split_template(template)):
            if i % 2 == 0:
                if part:
                    parts.append(pl.lit(part))
            elif part in rows.columns:
                spec = self.feed.columns.get(part)
                value = pl.col(part).cast(pl.String)
                if spec is not None and spec.terms is not None:
                    titles = partial(self._title, spec.terms)
                    value = pl.lit(mapped(rows.get_column(part), titles))
                parts.append(value.fill_null(""))
        text = pl.concat_str(parts).str.strip_chars_end(" ::")
        full = pl.all_horizontal(pl.col(n).is_not_null() for n in needed) if needed else pl.lit(True)
        return pl.when((text != "") & full).then(text)

    def _value(self, rows: pl.DataFrame, label: str, field: str, source: str) -> pl.Expr | None:
        """A field's value for each row; None when its column is not there."""
        spec = ONTOLOGY.entities[label].fields()[field]
        if source.startswith("="):
            constant: Any = source[1:]
            if spec.type is bool:
                constant = constant == "true"
            elif spec.type in (int, float):
                constant = spec.type(constant)
            value = pl.lit(constant, dtype=TYPES[spec.type])
        elif "{" in source:
            value = self._template(source, rows)
        elif source not in rows.columns:
            return None
        elif self._type(source) is ColumnType.IDENTITY:
            value = pl.col(source).str.slice(2)
        elif spec.type is bool:
            value = pl.col(source) == "true"
        elif spec.type in (int, float):
            value = pl.col(source).cast(TYPES[spec.type])
        else:
            value = pl.col(source)
        if spec.many:
            if rows.schema.get(source) == pl.List(pl.String):
                return pl.when(value.list.len() > 0).then(value)
            return pl.when(value.is_not_null()).then(pl.concat_list(value))
        return value

    def _title(self, list_name: str, code: str) -> str:
        return self._terms.get(list_name, code).zh

    def _type(self, column: str) -> ColumnType | None:
        spec = self.feed.columns.get(column)
        return spec.type if spec is not None else None

    # -- entities ---------------------------------------------------------------------------------------------------

    def _entity(
        self, rows: pl.DataFrame, alias: str, claim: EntityClaim, slot: int
    ) -> tuple[pl.Series, NodeFrame] | None:
        prefix = ONTOLOGY.entities[claim.label].prefix
        trust = self.feed.trust if claim.trust is None else claim.trust
        allowed = pl.lit(True)
        for column, expected in claim.when.items():
            allowed &= (
                (pl.col(column) == expected).fill_null(False) if column in rows.columns else pl.lit(False)
            )
        ids = pl.Series("id", [None] * rows.height, dtype=pl.String)
        identity: pl.DataFrame | None = None
        for alternative in claim.id:
            namespace, column = next(iter(alternative.items()))
            if column not in rows.columns:
                continue
            value = pl.col(column)
            if self._type(column) is ColumnType.IDENTITY:
                mark = _CITIZEN if namespace == "id_number" else _CODE
                value = pl.when(value.str.starts_with(mark)).then(value.str.slice(2))
            given = rows.select(
                pl.when(allowed & ids.is_null()).then(value).cast(pl.String).alias("v")
            ).to_series()
            if namespace == "id_number":
                identity = self._identity(given)
                found = mapped(identity["id_hash"], partial(mint, prefix, namespace))
            else:
                found = mapped(given, partial(mint, prefix, namespace))
            ids = pl.select(pl.coalesce(ids, found)).to_series().alias("id")
        if claim.mention:
            ids = self._mentions(rows, claim, alias, allowed, ids)
        if ids.null_count() == rows.height:
            return None
        set = {f: self._value(rows, claim.label, f, source) for f, source in claim.set.items()}
        values = {f: given.alias(f) for f, given in set.items() if given is not None}
        frame = rows.select(ids, *RECORD, *values.values())
        if identity is not None:
            frame = self._with_identity(frame, identity)
        if claim.steps:
            frame = frame.with_columns(self._steps(rows, claim))
        frame = frame.with_columns(
            pl.lit(trust, dtype=pl.Int64).alias("__trust"), pl.lit(slot, dtype=pl.Int64).alias("__slot")
        )
        return ids, NodeFrame(claim.label, frame.filter(pl.col("id").is_not_null()))

    def _mentions(
        self, rows: pl.DataFrame, claim: EntityClaim, alias: str, allowed: pl.Expr, ids: pl.Series
    ) -> pl.Series:
        """The ids, with those of whom only this record speaks."""
        called = claim.set.get("name", "")
        columns = [c for c in claim.mention if c in rows.columns]
        if called not in rows.columns or not columns:
            return ids
        full = mapped(rows.get_column(called), is_full_name, pl.Boolean).fill_null(False)
        given = pl.any_horizontal(pl.col(c).is_not_null() for c in columns)
        key = rows.select(pl.when(allowed & ids.is_null() & full & given).then(pl.col("__rkey"))).to_series()
        prefix = ONTOLOGY.entities[claim.label].prefix
        found = mapped(key, partial(mint, prefix, mention_namespace(self.feed.feed, alias)))
        return pl.select(pl.coalesce(ids, found)).to_series().alias("id")

    def _identity(self, numbers: pl.Series) -> pl.DataFrame:
        """What an identity number says: its hash, masked form, and the birth and sex written in it."""

        def said(number: str) -> dict[str, str | None]:
            birth = sex = None
            if len(number) == 18 and number[6:14].isdigit():
                birth = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
                if number[16].isdigit():
                    sex = "male" if int(number[16]) % 2 else "female"
            return {
                "id_hash": identifiers.identity_hash(self._secret, number),
                "id_number": identifiers.mask_citizen_id(number),
                "birth": birth,
                "sex": sex,
            }

        fields = ("id_hash", "id_number", "birth", "sex")
        dtype = pl.Struct(dict.fromkeys(fields, pl.String()))
        return mapped(numbers, said, dtype).struct.unnest()

    @staticmethod
    def _with_identity(frame: pl.DataFrame, identity: pl.DataFrame) -> pl.DataFrame:
        taken = {f: identity[f].alias(f"__{f}") for f in identity.columns}
        frame = frame.with_columns(taken.values())
        out = [pl.col("__id_hash").alias("id_hash"), pl.col("__id_number").alias("id_number")]
        for field in ("birth", "sex"):
            own = [pl.col(field)] if field in frame.columns else []
            out.append(pl.coalesce(*own, pl.col(f"__{field}")).alias(field))
        return frame.with_columns(out).drop(s.name for s in taken.values())

    @staticmethod
    def _steps(rows: pl.DataFrame, claim: EntityClaim) -> list[pl.Expr]:
        """The three parallel lists of steps, oldest first, in the declared order where times are equal."""
        taken = []
        for i, step in enumerate(claim.steps):
            if step.at in rows.columns:
                by = pl.col(step.by).fill_null("") if step.by in rows.columns and step.by else pl.lit("")
                # U+001F sorts before whatever a time goes on with, so that texts sort as their parts would.
                parts = (pl.col(step.at), pl.lit(f"{i:03}"), pl.lit(step.to), by)
                text = pl.concat_str(parts, separator=SEPARATOR)
                taken.append(pl.when(pl.col(step.at).is_not_null()).then(text))
        if not taken:
            return []
        steps = rows.select(pl.concat_list(taken).list.drop_nulls().list.sort().alias("s")).to_series()
        given = pl.Series(steps).list.len() > 0

        def part(n: int) -> pl.Expr:
            found = pl.lit(steps).list.eval(pl.element().str.split(SEPARATOR).list.get(n))
            return pl.when(pl.lit(given)).then(found)

        return [part(0).alias("step_at"), part(2).alias("step_to"), part(3).alias("step_by")]

    # -- links ------------------------------------------------------------------------------------------------------

    def _link(
        self, rows: pl.DataFrame, ids: dict[str, pl.Series], link: LinkClaim, slot: int
    ) -> LinkFrame | None:
        if link.start not in ids or (link.end is not None and link.end not in ids):
            return None
        declared = ONTOLOGY.links[link.type]

        def column(name: str | None) -> pl.Expr:
            there = name is not None and name in rows.columns
            return pl.col(name) if there and name is not None else pl.lit(None, dtype=pl.String)

        start = ids[link.start].alias("__start")
        if link.place is not None:
            code, text, local = (column(c) for c in (link.place.code, link.place.address, link.place.local))
            parts = (code, text, pl.lit(link.place.authority or ""), local)
            key = pl.concat_str([p.fill_null("") for p in parts], separator=SEPARATOR)
            named = code.is_not_null() | text.is_not_null() | local.is_not_null()
            if link.place.message is not None:
                sentence = column(link.place.message)
                whole = pl.concat_str(key, sentence, separator=SEPARATOR)
                key = pl.when(sentence.fill_null("") != "").then(whole).otherwise(key)
                named = named | sentence.is_not_null()
            place: pl.Expr = pl.when(named).then(key)
            end = pl.lit(None, dtype=pl.String)
        else:
            assert link.end is not None
            place = pl.lit(None, dtype=pl.String)
            end = pl.lit(ids[link.end])
        fields = declared.fields()
        values = {}
        for field in sorted(link.set):
            source = link.set[field]
            if source.startswith("="):
                values[field] = pl.lit(source[1:], dtype=pl.String)
            elif source in rows.columns:
                kind = fields[field].type
                value = pl.col(source)
                values[field] = value == "true" if kind is bool else value.cast(TYPES[kind])
        frame = rows.select(
            start,
            end.alias("__end"),
            place.alias("__place"),
            column(link.since).alias("__since"),
            column(link.until).alias("__until"),
            *RECORD,
            *(v.alias(f) for f, v in values.items()),
        ).filter(
            pl.col("__start").is_not_null(),
            pl.col("__place").is_not_null()
            | (pl.col("__end").is_not_null() & (pl.col("__end") != pl.col("__start"))),
        )
        frame = frame.with_columns(
            _role(frame, list(values)).alias("__role"),
            pl.lit(self.feed.trust, dtype=pl.Int64).alias("__trust"),
            pl.lit(slot, dtype=pl.Int64).alias("__slot"),
        )
        start_label = self.feed.entities[link.start].label
        end_label = self.feed.entities[link.end].label if link.end is not None else "Address"
        return LinkFrame(link.type, start_label, end_label, frame)


def _role(frame: pl.DataFrame, fields: Iterable[str]) -> pl.Series:
    """What tells links of one type between the same two apart: their values as Python writes them, joined."""
    texts = []
    for field in fields:
        values = frame.get_column(field)
        if values.dtype == pl.Float64:
            values = pl.Series(field, [None if v is None else str(v) for v in values], dtype=pl.String)
        elif values.dtype == pl.Boolean:
            values = values.replace_strict({True: "True", False: "False"}, return_dtype=pl.String)
        else:
            values = values.cast(pl.String)
        texts.append(values)
    if not texts:
        return pl.Series("__role", [""] * frame.height, dtype=pl.String)
    return pl.DataFrame(texts).select(pl.concat_str(pl.all(), separator="|", ignore_nulls=True)).to_series()
