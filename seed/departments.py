"""The feeds of the departments that report matters: who builds each, and whom its records name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from seed.city_work import build_cases, build_hotline, build_safety_inspections
from seed.claims import build_complaints, build_hall_visits, build_labour, build_petitions, build_suits
from seed.grid_work import build_checkins, build_grid_reports, build_patrol_points, build_visits
from seed.matters import Stories
from seed.self_registration import build_self_registrations


@dataclass(frozen=True, slots=True)
class Source:
    """One feed: its key, its builder, and pairs of the column that names somebody and the frame's truth column."""

    feed: str
    build: Callable[[Stories], pl.DataFrame]
    names: tuple[tuple[str, str], ...] = ()


SOURCES: Final = (
    Source("hotline", build_hotline, (("来电人", "_one"), ("被反映对象", "_two"))),
    Source("cases", build_cases, (("当事人", "_one"),)),
    Source("safety_inspections", build_safety_inspections, (("受检单位", "_firm"),)),
    Source("hall_visits", build_hall_visits, (("来访人", "_one"), ("对方当事人", "_two"))),
    Source("labour_disputes", build_labour, (("劳动者", "_one"), ("用人单位", "_two"))),
    Source("complaints", build_complaints, (("消费者", "_one"), ("被投诉主体", "_two"))),
    Source("petitions", build_petitions, (("信访人", "_one"), ("被反映人", "_two"))),
    Source("suits", build_suits, (("原告", "_one"), ("被告", "_two"))),
    Source("grid_reports", build_grid_reports, (("涉及人员", "_one"), ("对方", "_two"))),
    Source("visits", build_visits, (("走访对象", "_one"),)),
    Source("patrol_points", build_patrol_points),
    Source("checkins", build_checkins, (("队员姓名", "_one"),)),
    Source("self_registrations", build_self_registrations, (("姓名", "_one"), ("房东", "_landlord"))),
)
"""In the order of building: a later one may report what an earlier one has."""
