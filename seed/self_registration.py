"""流口_自主申报: tenants register themselves on their phones, in their own words and mostly without their number."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, day_number, days, digits, draw, either, moments, only_if, pick
from seed.matters import Stories, day_text
from seed.people import RENT

REGISTRATIONS: Final = 120_000
_FROM: Final = (
    "安徽阜阳 河南信阳 江西上饶 贵州毕节 四川达州 重庆万州 湖北黄冈 湖南邵阳 云南昭通 浙江温州".split()
)


def _written(stories: Stories, home: np.ndarray) -> pl.Series:
    """An address as a tenant writes it: without district, often without street or community, with the landlord's
    house named in other ways.
    """
    rng, n = stories.rng, len(home)
    text = stories.spots.full.gather(stories.spots.home_at + home).str.slice(3)
    no_street = text.str.replace(r"^[^区]{1,6}?(?:街道|镇)", "")
    no_community = text.str.replace(r"(街道|镇)[^市路]{1,8}?社区", "$1")
    dashes = text.str.replace(r"(\d+)幢(\d+)单元(\d+)室$", "$1-$2-$3").str.replace(r"(\d+)室$", "$1")
    spoken = text.str.replace(r"(\d+)幢", "${1}号楼").str.replace(r"室$", "房")
    way = draw(rng, (34, 22, 14, 16, 14), n)
    for index, other in enumerate((no_street, no_community, dashes, spoken), 1):
        text = either(way == index, other, text)
    return text


def build_self_registrations(stories: Stories) -> pl.DataFrame:
    """Self-registrations of the floating people; `_one` the tenant, `_landlord` the landlord, as rows of People."""
    rng = stories.begin("self-registration")
    people = stories.people
    tenants = np.flatnonzero(~people.local & (people.use[people.home] == RENT) & (people.years >= 16))
    n = min(len(tenants), stories.count(REGISTRATIONS))
    who = np.sort(rng.choice(tenants, n, replace=False))
    today = day_number(stories.options.until)
    day = np.minimum(np.maximum(people.since[who] + rng.integers(0, 45, n), today - 729), today)
    second = day * 86400 + rng.integers(7 * 3600, 23 * 3600, n)
    order = np.argsort(second, kind="stable")
    who, day, second = who[order], day[order], second[order]
    home = people.home[who]
    landlord = people.owner[home]
    # Who does not know the landlord's name writes what he is called.
    calls = rng.random(n)
    owner_name = either(calls < 0.7, stories.name(landlord), stories.polite(landlord))
    owner_name = only_if(owner_name, calls < 0.92)
    # One in fifty gives the landlord's phone as the own: it is the landlord who fills in the form.
    lent = rng.random(n) < 0.02
    phone = either(lent, stories.phone(landlord, 1.0), stories.phone(who, 0.95, 0.1))
    state = draw(rng, (5, 88, 7), n)
    checked = np.minimum(second + rng.integers(3600, 5 * 86400, n), stories.now)
    mates = np.minimum(np.bincount(people.home, minlength=len(people.use))[home] - 1, 9)
    employer = stories.enterprises.employer[who]
    return pl.DataFrame(
        {
            "申报流水号": cat("ZB", day_text(second), digits(np.arange(1, n + 1), 7)),
            "申报时间": moments(second),
            "姓名": stories.name(who, second),
            "性别": pick(("女", "男"), people.male[who].astype(np.int64)),
            "出生年月日": only_if(days(people.birth[who]), rng.random(n) < 0.93),
            "本人手机": phone,
            "证件号": stories.identity(who, 0.16),
            "来源地": pick(_FROM, rng.integers(0, len(_FROM), n)),
            "现居住地": _written(stories, home),
            "房东": owner_name,
            "房东手机": only_if(stories.phone(landlord, 1.0), rng.random(n) < 0.8),
            "入住日期": days(people.since[who]),
            "来萧事由": stories.choice(("务工", "经商", "随迁", "求学", "其他"), n, (70, 10, 14, 3, 3)),
            "工作单位": only_if(
                stories.enterprises.name.gather(np.maximum(employer, 0)),
                (employer >= 0) & (rng.random(n) < 0.6),
            ),
            "同住人数": pl.Series(np.maximum(mates, 0)).cast(pl.String),
            "核查状态": pick(("待审核", "已审核", "退回补正"), state),
            "核查时间": moments(checked, state > 0),
            "_place": stories.spots.code.gather(stories.spots.home_at + home),
            "_one": who,
            "_landlord": landlord,
        }
    )
