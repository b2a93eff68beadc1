"""`seed_district`: builds the district, writes its feeds, its answer key and its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from ontology.errors import UsageError
from ontology.reading import read_yaml
from seed import trace_truth
from seed.address_exam import TEXT_PROFILES, address_texts
from seed.address_index import AddressIndex
from seed.addresses import build_addresses
from seed.areas import write_geo
from seed.authorities import AUTHORITIES, zone_outlines
from seed.cases import NearMisses, crowd_homes, share_hands, unregistered
from seed.chat_groups import build_chat_groups
from seed.city_work import build_lane_events
from seed.columns import day_number, only_if
from seed.departments import SOURCES
from seed.enterprises import build_enterprises
from seed.feed_texts import SCHEMA as TEXTS
from seed.feed_texts import FeedTexts
from seed.feeds import BY_KEY, FEEDS, NATURE, SYNTHETIC, dated, shaped, wanted, write_feed
from seed.gathered import warn
from seed.genealogy import build_successions
from seed.hazards import build_hazards
from seed.houses import build_houses, build_residents, build_tenancies, person_key
from seed.incidents import build_incidents, truth_person
from seed.matters import Stories
from seed.noise import dirty, load_profile
from seed.options import Manifest, SeedOptions
from seed.people import People, build_people
from seed.places import DISTRICT, Places, build_places
from seed.spots import build_spots
from seed.things import World, build_things
from seed.truth import Dispute, Hazard, relapses, repeats
from seed.vehicles import build_vehicles
from seed.volunteers import build_devices, build_volunteers
from seed.workshops import settle_workshops, workshops

STAGE: Final = "合成数据 seed"
Progress = Callable[[str, int, int | None], None]

TRUTH_README: Final = """# The answer key / 答案

All data of this district is synthetic (合成数据); no person in it is real.

- `repeats.json`: every true repeat dispute within 90 days, at least 3 matters: `by` PLACE or PARTIES, `place` (code),
  `parties` (truth ids), `party_ids` (identity numbers or credit codes, sorted), `incidents` (source numbers, sorted), `planted`.
- `relapses.json`: every hazard that came back within 30 days: `place`, `category` (a code of catalog/terms/incident_kind.yaml),
  `earlier`, `later` (隐患编号), `days`, `planted`.
- `people.parquet`: `person` (truth id), `name`, `former_name` (of few; older records have it), `identity_number`, `phone`, `resident_key` (人口编号).
- `people_records.parquet`: which record is about whom: `person`, `feed`, `record_key`, `role` (the column of the name).
- `matters.parquet`: which records of the incident feeds are reports of one matter: `matter` (truth id), `feed`, `record_key`,
  `source_number` (the number that other departments name it by). Every record is in exactly one matter, most alone.
- `addresses.parquet`: which text is which place: `feed`, `record_key`, `column`, `text` as the feed has it, `code` as it truly is;
  `determined`, the deepest place that the text determines, and its `level`; `operations`, what noise did to the text, joined by `;`; `profile`, of the noise.
- `address_texts.parquet`: messy address texts that no feed has, for tuning (`examination` false) and for examining a resolver: a row for
  each place that a text names, with the place that is meant, the deepest place that the text determines, and how it was made messy.
- `successions.parquet`: what became of places, as the feed `successions` has it before noise.
- `planted.json`: pattern → record keys that the traces over things should find; which feed's, docs/seeding.md says.
- `near_misses.json`: the same patterns → record keys of what looks alike and is none.

- `expect.json` (drawn districts only): what the author of the scenario expects, in source numbers and codes.

The rules are in docs/seeding.md of Quanxi; `seed/truth.py` computes them from the clean world.
"""
README: Final = """Synthetic district of Quanxi (全息 合成数据区)
本目录全部数据均为程序合成，不含任何真实个人信息。All data here is synthetic; no person is real.
feeds/  department feed files      truth/  the answer key      manifest.json  options, counts, hashes
"""


@dataclass(slots=True)
class Writer:
    """Writes feeds through noise and keeps what the answer key needs."""

    directory: Path
    options: SeedOptions
    progress: Progress | None
    judge: FeedTexts
    counts: dict[str, int] = field(default_factory=dict)
    texts: list[pl.DataFrame] = field(default_factory=list)
    mentions: list[pl.DataFrame] = field(default_factory=list)
    matters: list[pl.DataFrame] = field(default_factory=list)
    planted: dict[str, list[str] | list[list[str]]] = field(default_factory=dict)
    near: NearMisses = field(default_factory=NearMisses)
    clean: dict[str, pl.DataFrame] = field(default_factory=dict)
    done: int = 0
    total: int = len(FEEDS) + 2

    def prepare(self) -> None:
        """Make the directories; take away the files of an earlier district, and nothing else."""
        old = self.directory / "manifest.json"
        feeds = self.directory / "feeds"
        if old.is_file():
            for name in orjson.loads(old.read_bytes()).get("files", {}):
                path = self.directory / name
                if path.resolve().is_relative_to(self.directory.resolve()):
                    path.unlink(missing_ok=True)
        elif feeds.is_dir() and any(feeds.iterdir()):
            raise UsageError(
                "BAD_ARGUMENT",
                f"{feeds} 中已有别的文件。",
                f"{feeds} holds files that the seeder did not write.",
                "Give an empty directory, or one that a district was seeded into before.",
            )
        feeds.mkdir(parents=True, exist_ok=True)
        (self.directory / "truth").mkdir(exist_ok=True)

    def step(self) -> None:
        """Report one more step of `total`."""
        self.done += 1
        if self.progress:
            self.progress(STAGE, self.done, self.total)

    def feed(self, key: str, frame: pl.DataFrame) -> None:
        """Write one feed, if it is asked for."""
        feed = BY_KEY[key]
        if key in trace_truth.FEEDS:
            self.clean[key] = shaped(feed, frame)
        if key not in wanted(self.options.only):
            self.step()
            return
        clean = shaped(feed, frame)
        carried = [
            pl.col(feed.key_column).alias("_key"),
            *(
                pl.col(c).alias(f"_{c}") if c in feed.columns else frame[c].alias(f"_{c}")
                for _, c in feed.addresses
            ),
        ]
        rates = load_profile(self.options.noise)
        made = dirty(feed, clean.with_columns(carried), rates, self.options.rng(f"noise-{key}"))
        for text, code in feed.addresses:
            done = pl.col(f"done_{text}") if f"done_{text}" in made.columns else pl.lit(0, dtype=pl.Int64)
            texts = made.select(
                pl.lit(key).alias("feed"),
                pl.col("_key").alias("record_key"),
                pl.lit(text).alias("column"),
                pl.col(text).alias("text"),
                pl.col(f"_{code}").alias("code"),
                done.alias("done"),
            ).filter(pl.col("text").is_not_null() | pl.col("code").is_not_null())
            self.texts.append(self.judge.judged(texts))
        written = dated(feed, made.select(*feed.columns, NATURE))
        write_feed(feed, written, self.directory / "feeds", self.options.until)
        self.counts[key] = len(written)
        self.step()

    def mention(self, key: str, frame: pl.DataFrame, role: str, person: str | pl.Series) -> None:
        """Note which records are about whom. `person` is a column of truth ids, or of rows of People."""
        if key not in wanted(self.options.only):
            return
        ids = frame[person] if isinstance(person, str) else person
        if ids.dtype != pl.String:
            ids = truth_person(ids.to_numpy())
        column = BY_KEY[key].key_column
        self.mentions.append(
            pl.DataFrame({"person": ids, "record_key": frame[column]})
            .filter(pl.col("person").is_not_null())
            .select("person", pl.lit(key).alias("feed"), "record_key", pl.lit(role).alias("role"))
        )

    def matter(self, frame: pl.DataFrame) -> None:
        """Note which records are reports of one matter: columns matter, feed, record_key, source_number."""
        self.matters.append(frame.filter(pl.col("feed").is_in(wanted(self.options.only))))

    def truth(
        self, people: pl.DataFrame, found: list[dict[str, Any]], again: list[dict[str, Any]], **more: Any
    ) -> None:
        """Write `truth/`: the true repeats and relapses, and whatever else by name."""
        folder = self.directory / "truth"
        dump(folder / "repeats.json", found)
        dump(folder / "relapses.json", again)
        for name, value in more.items():
            dump(folder / f"{name}.json", value)
        people.write_parquet(folder / "people.parquet")
        schema = {"person": pl.String, "feed": pl.String, "record_key": pl.String, "role": pl.String}
        mentions = pl.concat(self.mentions) if self.mentions else pl.DataFrame(schema=schema)
        mentions.write_parquet(folder / "people_records.parquet")
        texts = pl.concat(self.texts) if self.texts else pl.DataFrame(schema=TEXTS)
        texts.write_parquet(folder / "addresses.parquet")
        matter_schema = dict.fromkeys(("matter", "feed", "record_key", "source_number"), pl.String)
        matters = pl.concat(self.matters) if self.matters else pl.DataFrame(schema=matter_schema)
        matters.write_parquet(folder / "matters.parquet")
        (folder / "README.md").write_text(TRUTH_README, encoding="utf-8")
        self.counts["true_repeats"], self.counts["true_relapses"] = len(found), len(again)
        self.step()

    def manifest(self) -> Manifest:
        """Write README.txt and manifest.json, with a hash for every file."""
        (self.directory / "README.txt").write_text(README, encoding="utf-8")
        files: dict[str, dict[str, Any]] = {}
        rows = {BY_KEY[key].name: count for key, count in self.counts.items() if key in BY_KEY}
        folders = [self.directory / name for name in ("feeds", "truth", "geo")]
        for path in sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir()):
            name = path.relative_to(self.directory).as_posix()
            files[name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
            for feed, count in rows.items():
                if path.name.startswith(f"{feed}_"):
                    files[name]["rows"] = count
        options = describe(self.options)
        self.step()
        dump(
            self.directory / "manifest.json",
            {
                "synthetic": True,
                "nature": SYNTHETIC,
                "today": self.options.until.isoformat(),
                "options": options,
                "counts": self.counts,
                "files": files,
            },
        )
        return Manifest(self.directory, self.options.until, options, dict(self.counts), files)


def describe(options: SeedOptions) -> dict[str, Any]:
    """The options as plain values; of a scenario only the file's name."""
    return {
        "scale": options.scale,
        "seed": options.seed,
        "until": options.until.isoformat(),
        "noise": options.noise,
        "plant": dict(sorted(options.plant.items())),
        "areas": list(options.areas),
        "only": list(options.only),
        "texts": options.texts,
        "scenario": options.scenario.name if options.scenario else None,
    }


def dump(path: Path, value: Any) -> None:
    """Write JSON that a person can read."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def disputes_of(alarms: pl.DataFrame, mediations: pl.DataFrame) -> list[Dispute]:
    """The disputes of the clean feeds, with truth ids from `_one`, `_two` where there are any."""
    found = []
    for frame, number, time, one, two, refers in (
        (
            alarms.filter(pl.col("警情类别") == "纠纷"),
            "接警单号",
            "报警时间",
            "当事人证件号",
            "对方证件号",
            None,
        ),
        (mediations, "调解编号", "受理时间", "申请人证件号", "被申请人证件号", "关联接警单号"),
    ):
        columns = [
            number,
            time,
            "地址编码",
            one,
            two,
            "_one",
            "_two",
            "_planted",
            *([refers] if refers else []),
        ]
        for row in frame.select(columns).iter_rows():
            parties = (row[3], row[4]) if row[3] and row[4] else None
            people = (row[5], row[6]) if parties and row[5] and row[6] else None
            found.append(Dispute(row[0], row[1], row[2], parties, people, row[8] if refers else None, row[7]))
    return found


def hazards_of(frame: pl.DataFrame, codes: Mapping[str, str]) -> list[Hazard]:
    """The hazards of the clean feed; `codes` gives a category's term code."""
    rows = frame.filter(pl.col("隐患编号").is_not_null()).select(
        "隐患编号", "地址编码", "隐患类别", "发现时间", "整改完成时间", "_planted"
    )
    return [
        Hazard(number, place, codes[kind], found, fixed, planted)
        for number, place, kind, found, fixed, planted in rows.iter_rows()
    ]


def term_codes() -> dict[str, str]:
    """Chinese title → code of the incident kinds."""
    path = Path(__file__).resolve().parent.parent / "catalog" / "terms" / "incident_kind.yaml"
    terms = read_yaml(path.read_text(encoding="utf-8"))["terms"]
    return {term["zh"]: term["code"] for term in terms}


def people_truth(people: People, stories: Stories) -> pl.DataFrame:
    """`truth/people.parquet`."""
    rows = np.arange(len(people.home))
    return pl.DataFrame(
        {
            "person": truth_person(rows),
            "name": people.frame["name"],
            "former_name": only_if(stories.former, stories.turned > 0),
            "identity_number": people.frame["identity"],
            "phone": people.frame["phone"],
            "resident_key": person_key(rows),
        }
    )


def write_outlines(folder: Path, places: Places) -> None:
    """`geo/{level}.geojson`: the district, its streets, communities and grids."""
    areas = places.areas
    names = dict(places.upper.select("地址编码", "全称").iter_rows())

    def told(code: str, level: str) -> dict[str, str]:
        return {"code": code, "level": level, "name": names[code]}

    write_geo(folder, "zone", zone_outlines(places))
    write_geo(folder, "district", [(told(DISTRICT, "DISTRICT"), areas.district)])
    write_geo(folder, "street", [(told(code, "STREET"), area) for code, area in areas.streets.items()])
    write_geo(
        folder,
        "community",
        [(told(c.code, "COMMUNITY"), a) for c, a in zip(places.communities, areas.communities, strict=True)],
    )
    write_geo(
        folder,
        "grid",
        [(told(code, "GRID"), area) for code, area in zip(places.grid_codes, areas.grids, strict=True)],
    )


def write_texts(folder: Path, places: Places, options: SeedOptions) -> None:
    """`truth/address_texts.parquet`: texts of every profile, for training and for examination."""
    index = AddressIndex(places)
    frames = [
        address_texts(index, seed=options.seed, count=options.texts, profile=profile, examination=examination)
        for profile in TEXT_PROFILES
        for examination in (False, True)
    ]
    pl.concat(frames).write_parquet(folder / "address_texts.parquet")


def seed_district(directory: Path, options: SeedOptions, progress: Progress | None = None) -> Manifest:
    """Write a synthetic district: `feeds/`, `truth/`, `manifest.json` and `README.txt`.

    Args:
        directory: made when it does not exist; the files of an earlier district in it are replaced.
        options: what to make; the same options give byte-identical files.
        progress: called with (stage, done, total) as the files come about; there is one stage.

    Returns:
        The manifest, as written.

    Raises:
        UsageError: `BAD_ARGUMENT` for a wrong option, an unusable directory or a wrong scenario file.
    """
    options.check()
    wanted(options.only)
    load_profile(options.noise)
    if options.scenario is not None:
        # Scenarios are written with this module's own writer.
        from seed.scenario import seed_scenario

        return seed_scenario(directory, options, progress)
    places = build_places(options)
    low = pl.concat([places.buildings.select("code", "full"), places.sites.select("code", "full")])
    writer = Writer(directory, options, progress, FeedTexts(low, options.noise))
    writer.prepare()
    write_outlines(directory / "geo", places)
    writer.feed("addresses", build_addresses(options, places))
    successions = build_successions(options, places)
    writer.feed("successions", successions)
    for key, build in AUTHORITIES.items():
        writer.feed(key, build(options, places))
    near = writer.near
    people = crowd_homes(options, places, build_people(options, places), near)
    spots = build_spots(places)
    settled = settle_workshops(
        options, places, people, build_enterprises(options, places, people, spots), spots, near
    )
    now = (day_number(options.until) + 1) * 86_400 - 1
    enterprises = share_hands(options, places, people, settled.enterprises, spots, near)
    enterprises, warned = warn(options, places, people, enterprises, now)
    settled = replace(settled, enterprises=enterprises)
    slept_in = workshops(people, settled, spots)
    writer.planted["sleeping_workshop"] = sorted(enterprises.code.gather(slept_in).to_list())
    writer.feed("enterprises", enterprises.feed)
    writer.mention("enterprises", enterprises.feed, "法定代表人", pl.Series(enterprises.rep))

    frame = build_residents(options, people, enterprises, spots, settled.known)
    writer.feed("residents", frame)
    writer.mention("residents", frame, "姓名", "_person")
    lettings = unregistered(options, places, people, near)
    frame = build_tenancies(options, places, people, spots, lettings)
    writer.feed("tenancies", frame)
    writer.mention("tenancies", frame, "房东姓名", "_landlord")
    writer.mention("tenancies", frame, "承租人姓名", "_tenant")
    frame = build_houses(options, places, people, enterprises, spots)
    writer.feed("houses", frame)
    writer.mention("houses", frame, "产权人姓名", "_owner")
    vehicles = build_vehicles(options, people, enterprises, spots)
    writer.feed("vehicles", vehicles)
    writer.mention("vehicles", vehicles, "所有人姓名", "_person")
    frame = build_volunteers(options, places, people, spots)
    writer.feed("volunteers", frame)
    writer.mention("volunteers", frame, "姓名", "_person")
    writer.feed("chat_groups", build_chat_groups(options, places, spots))
    devices = build_devices(options, places, spots)
    writer.feed("devices", devices)

    incidents = build_incidents(options, places, people, enterprises, spots, vehicles, near)
    writer.feed("alarms", incidents.alarms)
    writer.feed("mediations", incidents.mediations)
    for role, column in (("报警人姓名", "_caller"), ("当事人姓名", "_one"), ("对方姓名", "_two")):
        writer.mention("alarms", incidents.alarms, role, column)
    for role, column in (("申请人姓名", "_one"), ("被申请人姓名", "_two")):
        writer.mention("mediations", incidents.mediations, role, column)
    hazards = build_hazards(options, places, enterprises, spots, slept_in)
    writer.feed("hazards", hazards)
    near.add("relapses", hazards.filter("_near")["隐患编号"])
    stories = Stories(options, places, people, enterprises, spots, warned)
    stories.adopt(incidents)
    stories.alone("hazards", hazards["隐患编号"].fill_null(hazards["检查编号"]), hazards["记录编号"])
    writer.feed("lane_events", build_lane_events(stories, devices, vehicles))
    for source in SOURCES:
        frame = source.build(stories)
        writer.feed(source.feed, frame)
        for role, column in source.names:
            writer.mention(source.feed, frame.filter(pl.col(role).is_not_null()), role, column)
    for thing in build_things(World(options, places, people, enterprises, spots, vehicles, devices)):
        writer.feed(thing.feed, thing.frame)
        for role, column in thing.names:
            writer.mention(thing.feed, thing.frame.filter(pl.col(role).is_not_null()), role, column)
        writer.planted |= thing.planted
        for pattern, keys in thing.near.items():
            near.add(pattern, keys)
    write_texts(writer.directory / "truth", places, options)
    successions.write_parquet(writer.directory / "truth" / "successions.parquet")
    writer.matter(stories.truth())
    writer.planted |= trace_truth.listed(writer.clean, options.until)
    writer.planted["dispute_petitioned"] = trace_truth.petitioned(stories)
    near.add("dispute_petitioned", trace_truth.petitioned(stories, late=True))
    found = repeats(disputes_of(incidents.alarms, incidents.mediations))
    again = relapses(hazards_of(hazards, term_codes()))
    true = {
        **writer.planted,
        "repeats": [r["incidents"] for r in found],
        "relapses": [[r["earlier"], r["later"]] for r in again],
    }
    near.keys = trace_truth.nearly(writer.clean, options.until, near.keys, true)
    writer.truth(
        people_truth(people, stories),
        found,
        again,
        planted=writer.planted,
        near_misses=near.keys,
    )
    writer.counts |= {
        "communities_filled": len(places.filled),
        "buildings": len(places.buildings),
        "homes": len(places.homes),
        "people": len(people.home),
        "floating_people": int((~people.local).sum()),
        "landlords": len(people.landlords),
    }
    return writer.manifest()
