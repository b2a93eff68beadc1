"""Who a record without an identity number speaks of: a probabilistic linker (after Fellegi and Sunter).

A *raw* person is what one identity number, or one record without a number, speaks of. Raw persons with a number are
anchors and never meet each other here. Every other one is compared with the anchors that share its phone, its name and
birth, or its name and home. Each agreement is worth the logarithm of how much likelier it is for one person than for
two, which for names, phones and homes follows from how many anchors have them; so 张伟 needs more than 欧阳景行. The
weights of all candidates and of "nobody known" are made into probabilities, so that two who fit equally well are asked
about and never guessed. Only equal names are linked: a family shares phones and homes.

Pure functions of the traits given: the same records, in whatever order, are linked alike.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from loaders.fold import Version
from loaders.identity.linker import ASK, LINK, LINKS, Linker, Trait

VERSION: Final = "people-1"
NAME, PHONE, BIRTH, SEX, HOME, NUMBER = "name", "phone", "birth", "sex", "home", "number"
LINK_FROM: Final = 0.98
ASK_FROM: Final = 0.3
# How often the records of one person agree; the others follow from the anchors' own frequencies.
SAME_NAME, SAME_PHONE, SAME_HOME, SAME_BIRTH, SAME_SEX = 0.95, 0.85, 0.6, 0.97, 0.995
DAYS_OF_BIRTH: Final = 365 * 70
# A shared phone or home says little of who uses it when more than this many do.
CROWD: Final = 60
FIELDS: Final = {"name": NAME, "mobile": PHONE, "birth": BIRTH, "sex": SEX, "id_hash": NUMBER}
# Levels that are near enough to a home to say who lives there.
HOMES: Final = frozenset({"BUILDING", "UNIT", "DWELLING", "SITE"})
# In the record store's `meta`: see `population`.
SIZE: Final = "people"
# There too: how many numbers of people are kept.
ANCHORS: Final = "people_numbers"


def population(anchors: int) -> int:
    """The size of the district that chances are reckoned with: the number of anchors to the nearest power of four, so
    that one more anchor does not change every decision."""
    return int(4 ** max(4, round(math.log(max(anchors, 1), 4))))


def decide(
    traits: pl.DataFrame, wanted: pl.Series, size: int, apart: Sequence[tuple[Any, Any]] = ()
) -> pl.DataFrame:
    """Whom each of the wanted raw persons is.

    Args:
        traits: `raw`, `kind`, `value` (texts, or numbers in their place, those of `raw` in the order of the texts): of those wanted, and of all that share a name, a phone or a home with one of them.
        wanted: raw persons without a number.
        size: see `population`.
        apart: pairs (raw, same) that a person has judged to be two.

    Returns:
        `raw`, `same` (the raw person it is taken for), `state` (LINK or ASK), `score` (0–1), `why` (agreements, by
        commas); one row for each link, some for a question, none where nothing is known.
    """
    raw_type = traits.schema["raw"]
    anchors = traits.filter(pl.col("kind") == NUMBER).select("raw").unique()
    ours = traits.join(wanted.alias("raw").to_frame(), on="raw", how="semi")
    theirs = traits.join(anchors, on="raw", how="semi")
    never = pl.DataFrame(list(apart), schema={"raw": raw_type, "same": raw_type}, orient="row")
    known = _against_anchors(ours, theirs, size, never)
    settled = known.filter(pl.col("state") == LINK)
    # A person without a number may yet be another without one; whom an anchor is in question for is left alone.
    loose = wanted.alias("raw").to_frame().join(known.select("raw"), on="raw", how="anti")
    among = _among_themselves(traits.join(loose, on="raw", how="semi"), never)
    return pl.concat([settled, known.filter(pl.col("state") == ASK), among])


def _values(traits: pl.DataFrame, kind: str, name: str) -> pl.DataFrame:
    return traits.filter(pl.col("kind") == kind).select(pl.col("raw").alias(name), "value").unique()


def _against_anchors(
    ours: pl.DataFrame, theirs: pl.DataFrame, size: int, never: pl.DataFrame
) -> pl.DataFrame:
    pairs = _pairs(ours, theirs).join(never, on=["raw", "same"], how="anti")
    if not pairs.height:
        return _nothing(ours)
    for kind in (NAME, PHONE, BIRTH, SEX, HOME):
        pairs = _compared(pairs, ours, theirs, kind)
    log_size = math.log2(size)
    say = {
        NAME: pl.when(pl.col(NAME))
        .then(math.log2(SAME_NAME) + log_size - pl.col("n_name").log(2))
        .otherwise(-8.0),
        PHONE: _weight(PHONE, math.log2(SAME_PHONE) + log_size - pl.col("n_phone").log(2), -2.0),
        HOME: _weight(HOME, math.log2(SAME_HOME) + log_size - pl.col("n_home").log(2), -0.5),
        BIRTH: _weight(BIRTH, pl.lit(math.log2(SAME_BIRTH * DAYS_OF_BIRTH)), -7.0),
        SEX: _weight(SEX, pl.lit(math.log2(SAME_SEX * 2)), -7.0),
    }
    weighed = pairs.with_columns(
        (pl.sum_horizontal(say.values()) - log_size).clip(-60, 60).alias("weight"),
        pl.concat_str(
            [pl.when(pl.col(kind) == True).then(pl.lit(kind)) for kind in say],  # noqa: E712 - null is not false
            separator=",",
            ignore_nulls=True,
        ).alias("why"),
    ).with_columns(pl.lit(2.0).pow(pl.col("weight")).alias("odds"))
    chance = pl.col("odds") / (1.0 + pl.col("odds").sum().over("raw"))
    scored = weighed.with_columns(chance.alias("score")).filter(pl.col("score") >= ASK_FROM)
    sure = (
        (pl.col("score") >= LINK_FROM)
        & pl.col(NAME)
        & (pl.col(PHONE).fill_null(False) | pl.col(BIRTH).fill_null(False) | pl.col(HOME).fill_null(False))
        & pl.col(BIRTH).fill_null(True)
        & pl.col(SEX).fill_null(True)
    )
    return scored.with_columns(pl.when(sure).then(pl.lit(LINK)).otherwise(pl.lit(ASK)).alias("state")).select(
        *(pl.col(c).round(4) if c == "score" else pl.col(c) for c in LINKS)
    )


def _weight(kind: str, agree: pl.Expr, differ: float) -> pl.Expr:
    """What a comparison says: nothing where one side has no value."""
    return pl.when(pl.col(kind).is_null()).then(0.0).when(pl.col(kind)).then(agree).otherwise(differ)


def _nothing(traits: pl.DataFrame) -> pl.DataFrame:
    """No decisions, about raw persons as the traits name them."""
    raw = traits.schema["raw"]
    return pl.DataFrame(schema={**LINKS, "raw": raw, "same": raw})


def _pairs(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Candidates: those who share a phone, a name and birth, or a name and home."""
    found = [_joined(_values(ours, PHONE, "raw"), _values(theirs, PHONE, "same"))]
    for kind in (BIRTH, HOME):
        sides = []
        for traits, name in ((ours, "raw"), (theirs, "same")):
            named = _values(traits, NAME, name).rename({"value": "called"})
            held = _values(traits, kind, name)
            if not held.height:
                break
            sides.append(held.join(named, on=name))
        else:
            found.append(_joined(sides[0], sides[1], "called"))
    return pl.concat(found).filter(pl.col("raw") != pl.col("same")).unique()


def _joined(ours: pl.DataFrame, theirs: pl.DataFrame, *also: str) -> pl.DataFrame:
    on = ["value", *also]
    theirs = theirs.join(ours.select(on).unique(), on=on, how="semi")
    few = theirs.join(theirs.group_by(on).len().filter(pl.col("len") <= CROWD), on=on, how="semi")
    return ours.join(few, on=on).select("raw", "same")


def _compared(pairs: pl.DataFrame, ours: pl.DataFrame, theirs: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The pairs with a column `kind` (agree, differ, null where a side says nothing), and how many anchors share it."""
    left, right = _values(ours, kind, "raw"), _values(theirs, kind, "same")
    if not left.height or not right.height:
        nothing = (
            pl.lit(None, dtype=pl.Float64).alias(f"n_{kind}"),
            pl.lit(None, dtype=pl.Boolean).alias(kind),
        )
        return pairs.with_columns(*nothing)
    named = pairs.select("raw", "same")
    # How many share a value is asked of all anchors; all else of those in question.
    shared = right.join(left.select("value").unique(), on="value", how="semi").group_by("value").len()
    left = left.join(named.select("raw").unique(), on="raw", how="semi")
    right = right.join(named.select("same").unique(), on="same", how="semi")
    agree = (
        named.join(left, on="raw")
        .join(right, on=["same", "value"])
        .join(shared, on="value")
        .group_by("raw", "same")
        .agg(pl.col("len").min().cast(pl.Float64).alias(f"n_{kind}"))
    )
    both = named.join(left.select("raw").unique(), on="raw", how="semi").join(
        right.select("same").unique(), on="same", how="semi"
    )
    both = both.with_columns(pl.lit(True).alias("__both"))
    return (
        pairs.join(agree, on=["raw", "same"], how="left")
        .join(both, on=["raw", "same"], how="left")
        .with_columns(pl.when(pl.col("__both")).then(pl.col(f"n_{kind}").is_not_null()).alias(kind))
        .drop("__both")
    )


def _among_themselves(traits: pl.DataFrame, never: pl.DataFrame) -> pl.DataFrame:
    """Raw persons without a number, and nobody known: one where name and phone are the same, and nothing speaks against."""
    named = _values(traits, NAME, "raw").rename({"value": "called"})
    phoned = _values(traits, PHONE, "raw").rename({"value": "phone"})
    groups = named.join(phoned, on="raw").group_by("called", "phone").agg(pl.col("raw").unique().sort())
    groups = groups.filter(pl.col("raw").list.len() > 1)
    if not groups.height:
        return _nothing(traits)
    members = groups.with_row_index("group").select("group", "raw").explode("raw")
    for kind in (BIRTH, SEX):
        said = (
            members.join(_values(traits, kind, "raw"), on="raw")
            .group_by("group")
            .agg(pl.col("value").n_unique())
        )
        members = members.join(said.filter(pl.col("value") > 1), on="group", how="anti")
    first = pl.col("raw").first().over("group")
    linked = (
        members.sort("group", "raw").with_columns(first.alias("same")).filter(pl.col("raw") != pl.col("same"))
    )
    # Who is in two groups (two phones) joins the first: the rest follows when the groups are joined at the next look.
    linked = linked.group_by("raw").agg(pl.col("same").min()).sort("raw")
    linked = linked.join(never, on=["raw", "same"], how="anti")
    return linked.select(
        "raw",
        "same",
        pl.lit(LINK).alias("state"),
        pl.lit(0.99).alias("score"),
        pl.lit(f"{NAME},{PHONE}").alias("why"),
    )


def _coded(traits: Mapping[str, pl.LazyFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All traits with numbers in the place of texts, which are a tenth of their size; and `raw`, `code` to go back by."""
    raws = pl.DataFrame(schema={"raw": pl.String})
    for found in traits.values():
        # One kind after the other: most persons have something of each.
        raws = pl.concat([raws, found.select("raw").unique().collect()]).unique()
    codes = raws.sort("raw").with_row_index("code").select("raw", "code")
    kinds = pl.Enum([NAME, PHONE, BIRTH, SEX, HOME, NUMBER])
    parts = []
    for kind, found in traits.items():
        # Of a number nothing is asked but whether there is one.
        value = (
            pl.lit(1, dtype=pl.UInt32) if kind == NUMBER else pl.col("value").rank("dense").cast(pl.UInt32)
        )
        part = found.select("raw", value.alias("value")).collect().join(codes, on="raw")
        part = part.select(pl.col("code").alias("raw"), "value").unique()
        parts.append(part.select("raw", pl.lit(kind, dtype=kinds).alias("kind"), "value"))
    return pl.concat(parts), codes


def _combined(traits: Iterable[Trait]) -> dict[str, set[tuple[str, str]]]:
    """Raw person without a number → all (name, phone) that the records have of it."""
    found: dict[str, dict[str, set[str]]] = {}
    for raw, kind, value in traits:
        found.setdefault(raw, {}).setdefault(kind, set()).add(value)
    return {
        raw: {(name, phone) for name in kinds.get(NAME, ()) for phone in kinds.get(PHONE, ())}
        for raw, kinds in found.items()
        if NUMBER not in kinds
    }


class PeopleLinker(Linker):
    """Who is whom among the persons of a record store."""

    subject, prefix, ties, version = "person", "per", (NAME, PHONE, HOME), VERSION
    settles = NUMBER

    def claimed(self, found: dict[str, list[Version]]) -> Iterable[Trait]:
        for raw, versions in found.items():
            for version in versions:
                for node in version.claims.nodes:
                    if node.id == raw:
                        for field, kind in FIELDS.items():
                            if (value := node.values.get(field)) is not None:
                                yield raw, kind, value
                for link in version.claims.links:
                    if link.start == raw and link.type == "LIVES_AT" and link.place is not None:
                        home = self.home(link.place)
                        if home is not None:
                            yield raw, HOME, home

    def mates(self, raws: set[str]) -> set[str]:
        """Those without a number who share a name and a phone: whether they are one is decided of all of them at once."""
        combined = _combined(self._traits_of(sorted(raws)))
        wanted = {pair for pairs in combined.values() for pair in pairs}
        sharing = self._sharing({(PHONE, phone) for _, phone in wanted}) - raws
        return {
            raw
            for raw, pairs in _combined(self._traits_of(sorted(sharing))).items()
            if not wanted.isdisjoint(pairs)
        }

    def home(self, place_key: str) -> str | None:
        """The code of a place that is near enough to a home to say who lives there."""
        placed = self._places.placed(place_key)
        return placed.code if placed.level in HOMES else None

    def decide(
        self, traits: pl.DataFrame, wanted: pl.Series, apart: Sequence[tuple[str, str]]
    ) -> pl.DataFrame:
        return decide(traits, wanted, int(self._records.meta(SIZE) or 0), apart)

    def decide_whole(
        self, traits: Mapping[str, pl.LazyFrame], apart: Sequence[tuple[str, str]]
    ) -> pl.DataFrame:
        coded, raws = _coded(traits)
        anchors = coded.filter(pl.col("kind") == NUMBER).select("raw")
        wanted = coded.select("raw").unique().join(anchors, on="raw", how="anti").get_column("raw").sort()
        codes = dict(raws.filter(pl.col("raw").is_in([x for pair in apart for x in pair])).iter_rows())
        two = [(codes[a], codes[b]) for a, b in apart if a in codes and b in codes]
        links = decide(coded, wanted, int(self._records.meta(SIZE) or 0), two)
        for column in ("raw", "same"):
            named = links.select(column).join(
                raws.rename({"raw": "text"}),
                left_on=column,
                right_on="code",
                how="left",
                maintain_order="left",
            )
            links = links.with_columns(named.get_column("text").alias(column))
        return links

    def measure(self, traits: Mapping[str, pl.LazyFrame]) -> None:
        numbers = traits.get(NUMBER)
        anchors = 0 if numbers is None else numbers.unique().select(pl.len()).collect().item()
        self._records.set_meta(ANCHORS, str(anchors))
        self._records.set_meta(SIZE, str(population(anchors)))

    def _anchors(self) -> int:
        """How many numbers of people there are: counted once, and kept from then on."""
        held = self._records.meta(ANCHORS)
        if held is None:
            # Incidents have numbers of their own.
            found = self._records.db.execute(
                "SELECT count(*) FROM trait WHERE kind = ? AND raw >= ? AND raw < ?", (NUMBER, *self._range)
            )
            held = str(found.fetchone()[0])
            self._records.set_meta(ANCHORS, held)
        return int(held)

    def _put_traits(self, gone: Collection[Trait], come: Collection[Trait]) -> None:
        more = sum(kind == NUMBER for _, kind, _ in come) - sum(kind == NUMBER for _, kind, _ in gone)
        if more:
            self._records.set_meta(ANCHORS, str(self._anchors() + more))
        super()._put_traits(gone, come)

    def all_anew(self) -> bool:
        size = str(population(self._anchors()))
        if size == self._records.meta(SIZE):
            return False
        self._records.set_meta(SIZE, size)
        return True
