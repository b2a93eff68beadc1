"""Sentences that name places: petitions, chat messages, reports. {a}, {b} are places of the district, {o} one outside; the rest is made up."""

from __future__ import annotations

import random
import re
from typing import Final, Protocol

from seed.names import SURNAMES

SENTENCES: Final = (
    "尊敬的领导：我叫{name}，家住{a}，楼上装修噪音从早上7点到晚上9点不停，已经找过物业3次没有结果，恳请领导派人到现场调查核实。",
    "您好，{a}的电梯又坏了，12层以上的老人下不来，请尽快派人维修，联系电话{phone}。",
    "{a}有人在楼道里给电动车充电，这个月已经第2次了，隐患很大。",
    "报警人{name}（{phone}）称，其停在{a}的电瓶车被偷，价值3000元左右。",
    "群里有谁住{a}附近的，帮忙看一下门口的煤气瓶是不是还在。",
    "我妈妈今天上午9点从{a}出门后一直没有回来，穿红色上衣，有人在{b}见过她，看到请打{phone}，谢谢！",
    "租客{name}原住{a}，上个月15号搬到{b}，押金2000元房东不退。",
    "现反映{a}的违章搭建问题：隔壁邻居在屋顶加盖了2层，影响我家采光，此前向村里反映过，没有答复。",
    "{a}和{b}两处都有渣土车半夜倾倒，车牌看不清，请城管查一下。",
    "各位邻居，{a}有只黄色的狗走丢了，谁看到了联系我，电话{phone}。",
    "来电人称在{a}的店里办了5000元的会员卡，现在店关门了，老板电话{phone}打不通，要求退款。",
    "师傅，货先送到{a}，剩下的20箱送{b}，到了打{phone}。",
    "我是{name}，户籍在{o}，现在租住在{a}，想办居住证需要带什么材料？",
    "经核实，当事人{name}系{o}人，暂住{a}，双方因琐事发生口角，民警到场后已调解。",
    "你好，请问{a}属于哪个网格？网格员电话是多少？",
    "村民{name}与邻居因宅基地界址发生纠纷，地点在{a}，双方已争吵多次，2024年12月还动过手，请求调解。",
    "昨晚{a}这边停水到现在，几百户人家没水用，12345也打过了，说48小时内答复，实在等不及了。",
    "{a}门口的下水道堵了半个月，臭得很，谁来管管",
)  # fmt: skip
SENTENCES_HELD_OUT: Final = (
    "@网格员小{surname} 麻烦来趟{a}，301和302又吵起来了，上次是10月8号。",
    "本人{name}，{a}业主，物业费每月每平米2.8元，服务差，要求公开账目，另{b}也是同一家物业。",
    "骑手反馈：{a}保安不让进，顾客电话{phone}无人接听，订单号尾号8821。",
    "从{o}过来的，现在人在{a}，手机只剩5%的电，请接警员快一点！",
    "检查组一行3人于上午10时到{a}检查，发现灭火器过期2具，责令3日内整改。",
    "听我姐说{a}那家早餐店，地沟油，吃坏了4个人，在医院挂了3天水，发票都在。",
)
"""In examinations alone."""

_SLOT: Final = re.compile(r"\{(\w+)\}")
_GIVEN: Final = "建国 志明 丽 芳 伟 秀英 国强 晓东 小红 永康 海燕 建英".split()


class Writes(Protocol):
    """Who makes up numbers: a writer of address texts."""

    rng: random.Random

    def phone(self) -> str:
        """A phone number that nobody has."""
        ...


def fill(template: str, places: dict[str, str], writer: Writes) -> tuple[str, dict[str, int]]:
    """The sentence with its slots filled, and where each place begins in it."""
    text, at, done = "", {}, 0
    for match in _SLOT.finditer(template):
        text += template[done : match.start()]
        done = match.end()
        name = match[1]
        if name in places:
            at[name] = len(text)
            text += places[name]
        elif name == "phone":
            text += writer.phone()
        elif name == "surname":
            text += writer.rng.choice(SURNAMES)
        else:
            text += writer.rng.choice(SURNAMES) + writer.rng.choice(_GIVEN)
    return text + template[done:], at
