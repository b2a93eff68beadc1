"""Chat groups of buildings and communities, as 萧山红领 keeps them (S16: a lost person is told to hundreds at once)."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, day_number, digits, draw, moments, pick
from seed.options import COMMUNITIES, SeedOptions
from seed.places import HIGH, MID, Places
from seed.spots import Spots

GROUPS: Final = 6_000
"""In the whole district; an assumption: some ten for each community."""
_OF_COMMUNITY: Final = ("居民群", "志愿者群", "商户群", "出租房群")
_NOON: Final = 43_200


def build_chat_groups(options: SeedOptions, places: Places, spots: Spots) -> pl.DataFrame:
    """组织部_群组台账: at least one group for each filled community, and groups of towers."""
    rng = options.rng("chat-groups")
    today = day_number(options.until)
    filled = places.filled
    n = max(2 * len(filled), round(GROUPS * len(filled) / COMMUNITIES))
    kind = places.buildings["kind"].to_numpy()
    towers = np.flatnonzero(np.isin(kind, (HIGH, MID)))
    towers = towers if len(towers) else np.arange(len(kind))
    own = max(len(filled), round(n * 0.3))
    community = np.concatenate([filled, filled[rng.integers(0, len(filled), own - len(filled))]])
    building = towers[rng.integers(0, len(towers), n - own)]
    spot = np.concatenate([spots.community_at + community, spots.building_at + building])
    what = np.concatenate([rng.integers(0, len(_OF_COMMUNITY), own), np.full(n - own, len(_OF_COMMUNITY))])
    full = spots.full.gather(spot)
    members = np.clip(rng.lognormal(5.2, 0.5, n), 20, 500).astype(np.int64)
    since = today - rng.integers(5, 1500, n)
    return pl.DataFrame(
        {
            "群编号": cat("QZ330109", digits(np.arange(1, n + 1), 6)),
            "群名称": cat(full.str.slice(3), pick((*_OF_COMMUNITY, "楼栋群"), what)),
            "平台": pick(("微信", "钉钉"), draw(rng, (85, 15), n)),
            "人数": pl.Series(members).cast(pl.String),
            "服务地址": full,
            "地址编码": spots.code.gather(spot),
            "更新时间": moments(since * 86_400 + _NOON),
        }
    )
