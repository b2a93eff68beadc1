"""Money: bank guarantees between enterprises, with chains and rings, and issuers of prepaid cards."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, days, draw, moments, pick, within
from seed.enterprises import INDIVIDUAL, INDUSTRIES, Enterprises
from seed.incidents import truth_firm
from seed.options import COMMUNITIES, SeedOptions
from seed.places import Places
from seed.things import DAY, Thing, World, numbered

GUARANTEES: Final = 12_000
CHAINS: Final = 40
RINGS: Final = 15
ISSUERS: Final = 5_200
_CARDS: Final = (
    ("居民服务业", 38, "美容美发"), ("教育培训业", 24, "教育培训"), ("文体娱乐业", 18, "体育健身"), ("餐饮业", 12, "餐饮"),
    ("零售业", 8, "商业零售"),
)  # fmt: skip


def build_guarantees(world: World) -> Thing:
    """金融_银行担保. Who guarantees also gets guaranteed: most contracts stand among few enterprises."""
    rng = world.options.rng("guarantees")
    firms = world.enterprises
    companies = rng.permutation(np.flatnonzero((firms.kind != INDIVIDUAL) & firms.active))
    if len(companies) < 2:
        companies = np.arange(len(firms.kind))
    # Planted ones first, each firm in at most one of them; as many as a small district has companies for.
    chains, rings = world.count(CHAINS, 2), world.count(RINGS, 1)
    sizes = np.concatenate([rng.integers(5, 9, chains), rng.integers(3, 6, rings)])
    ring = np.arange(chains + rings) >= chains
    fits = np.cumsum(sizes) <= len(companies) * 0.6
    sizes, ring = sizes[fits], ring[fits]
    links = np.where(ring, sizes, sizes - 1)
    group = np.repeat(np.arange(len(sizes)), links)
    step, base = within(links), np.repeat(np.cumsum(sizes) - sizes, links)
    one = companies[base + step]
    two = companies[base + (step + 1) % np.repeat(sizes, links)]
    rest = companies[int(sizes.sum()) :]
    rest = rest[: max(2, int(len(rest) * 0.14))] if len(rest) > 14 else companies
    n = world.count(GUARANTEES, 30)
    m = max(0, n - len(one))
    a = (rng.random(m) ** 1.3 * len(rest)).astype(np.int64)
    b = (a + rng.geometric(0.15, m)) % len(rest)
    b = np.where(a == b, (b + 1) % len(rest), b)
    one, two = np.concatenate([one, rest[a]]), np.concatenate([two, rest[b]])
    group = np.concatenate([group, np.full(m, -1)])
    n = len(one)
    start = world.today - rng.integers(10, 1400, n)
    term = rng.choice([365, 730, 1095], n)
    # The planted ones all stand today.
    start = np.where(group >= 0, world.today - rng.integers(10, 300, n), start)
    end = start + term
    over = end < world.today
    state = np.where(over, np.where(rng.random(n) < 0.94, 1, 3), np.where(rng.random(n) < 0.02, 2, 0))
    amount = np.maximum(10, np.round(rng.lognormal(5.6, 1.0, n) / 10) * 10)
    order = np.argsort(start, kind="stable")
    one, two, start, end, state, amount, group, over = (
        x[order] for x in (one, two, start, end, state, amount, group, over)
    )
    key = cat("DB", days(start).str.slice(0, 4), numbered("", n, 7))
    frame = pl.DataFrame(
        {
            "担保合同号": key,
            "债权银行": pick(("钱江商业银行", "湘湖农村合作银行", "之江银行", "越商银行"), rng.integers(0, 4, n)),
            "债务企业": world.firm_name(two),
            "债务企业代码": world.firm_code(two),
            "保证企业": world.firm_name(one),
            "保证企业代码": world.firm_code(one),
            "保证方式": pick(("连带责任保证", "一般保证", "抵押加保证"), draw(rng, (82, 8, 10), n)),
            "担保金额": cat(pl.Series(amount.astype(np.int64)).cast(pl.String), "万元"),
            "起保日": days(start),
            "到期日": days(end),
            "五级分类": pick(("正常", "关注", "次级", "可疑"), np.where(state >= 2, 2, draw(rng, (93, 6, 1, 0), n))),
            "合同状态": pick(("履行中", "已结清", "逾期", "已代偿"), state),
            "_debtor": truth_firm(two),
            "_guarantor": truth_firm(one),
        }
    )  # fmt: skip
    planted: dict[str, list[str] | list[list[str]]] = {}
    for name, rings_only in (("guarantee_chain", False), ("guarantee_ring", True)):
        planted[name] = [
            key.filter(pl.Series(group == g)).to_list() for g in np.flatnonzero(ring == rings_only).tolist()
        ]
    return Thing("guarantees", frame, (("债务企业", "_debtor"), ("保证企业", "_guarantor")), planted)


def card_issuers(options: SeedOptions, places: Places, firms: Enterprises) -> Ints:
    """Rows of the enterprises that issue prepaid cards, in order: that of their registrations."""
    rng = options.rng("prepaid-issuers")
    trade = _card_trades()
    weight = np.array([w for _, w, _ in _CARDS], dtype=np.float64)
    able = np.flatnonzero(trade[firms.industry] >= 0)
    able = able if len(able) else np.arange(len(firms.kind))
    n = min(len(able), max(6, round(ISSUERS * len(places.filled) / COMMUNITIES)))
    # Closed enterprises come in less often, but they do: the money on their cards is what is looked for.
    chance = weight[np.maximum(trade[firms.industry[able]], 0)] * np.where(firms.active[able], 1.0, 0.3)
    return np.sort(able[np.argsort(-(rng.random(len(able)) ** (1 / chance)), kind="stable")[:n]])


def _card_trades() -> Ints:
    """For each industry which of `_CARDS` it is, or -1."""
    trade = np.full(len(INDUSTRIES), -1)
    for index, (industry, _, _) in enumerate(_CARDS):
        trade[INDUSTRIES.index(industry)] = index
    return trade


def build_prepaid(world: World) -> Thing:
    """市监_预付卡备案: issuers, what is left on their cards, and where the money is kept."""
    rng = world.options.rng("prepaid")
    firms, trade = world.enterprises, _card_trades()
    firm = card_issuers(world.options, world.places, firms)
    n = len(firm)
    active = firms.active[firm]
    since = np.maximum(firms.founded[firm] + 3, world.today - rng.integers(20, 1400, n))
    balance = np.round(rng.lognormal(2.6, 1.2, n), 2)
    state = np.where(active, np.where(rng.random(n) < 0.03, 2, 0), np.where(rng.random(n) < 0.6, 0, 1))
    balance = np.where(state == 1, 0.0, balance)
    key = numbered("萧预备字", n, 6)
    reported = world.today - rng.integers(0, 92, n)
    frame = pl.DataFrame(
        {
            "备案编号": key,
            "发卡企业": world.firm_name(firm),
            "信用代码": world.firm_code(firm),
            "行业门类": pick([word for _, _, word in _CARDS], np.maximum(trade[firms.industry[firm]], 0)),
            "门店地址": world.full(firms.spot[firm]),
            "门店地址码": world.code(firms.spot[firm]),
            "备案日": days(since),
            "备案有效期": days(since + 1826),
            "预收资金余额": cat(pl.Series(balance).cast(pl.String), "万元"),
            "存管银行": pick(("钱江商业银行", "湘湖农村合作银行", "未存管"), draw(rng, (45, 35, 20), n)),
            "持卡人数": pl.Series((balance * rng.uniform(4, 15, n)).astype(np.int64)).cast(pl.String),
            "备案状态": pick(("已备案", "已注销", "异常"), state),
            "报送时间": moments(reported * DAY + rng.integers(30_600, 62_000, n)),
            "_firm": truth_firm(firm),
        }
    )  # fmt: skip
    risky = ~active & (balance > 0)
    planted: dict[str, list[str] | list[list[str]]] = {
        "prepaid_closed": key.filter(pl.Series(risky)).to_list()
    }
    return Thing("prepaid_cards", frame, (("发卡企业", "_firm"),), planted)
