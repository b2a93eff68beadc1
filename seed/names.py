"""Names: surnames as they are distributed, given names by decade of birth, roads, estates, firms. No real
person's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, draw, pick

# Shares in per mille of the most common surnames of the country (the order of the Ministry of Public
# Security's yearly report;
# the tail is an assumption), and of those that Xiaoshan's villages are named after.
_NATIONAL: Final = (
    "王 72 李 71 张 67 刘 54 陈 45 杨 31 黄 22 赵 21 吴 20 周 19 徐 15 孙 14 马 13 朱 12 胡 12 郭 11 何 11 林 11 高 10 罗 9 "
    "郑 8 梁 8 谢 7 宋 7 唐 7 许 6 韩 6 邓 6 冯 6 曹 6 彭 6 曾 5 肖 5 田 5 董 5 潘 5 袁 5 蔡 5 蒋 5 余 5 于 5 杜 4 叶 4 程 4 魏 4 苏 4 "
    "吕 4 丁 4 任 4 卢 4 姚 3 沈 3 钟 3 姜 3 崔 3 谭 3 陆 3 范 3 汪 3 廖 3 石 3 金 3 韦 2 贾 2 夏 2 付 2 方 2 邹 2 熊 2 白 2 孟 2 秦 2 邱 2 侯 2 "
    "江 2 尹 2 薛 2 闫 2 段 2 雷 2 龙 2 黎 2 史 2 陶 2 贺 2 毛 2 郝 2 顾 2 龚 2 邵 2 万 2 覃 1 武 1 钱 1 戴 1 严 1 莫 1 孔 1 向 1 常 1 "
    "欧阳 1 司马 0.2 上官 0.2 诸葛 0.2"
)
_LOCAL: Final = (
    "王 80 陈 78 沈 60 俞 45 李 40 张 40 来 32 汤 30 傅 28 朱 45 徐 36 周 36 赵 28 孙 28 金 28 吴 26 施 20 楼 20 韩 20 高 24 倪 18 "
    "方 18 何 18 陆 18 郑 16 蔡 15 瞿 12 华 12 钟 10 许 18 章 14 戚 8 莫 9 项 9 胡 14 黄 16 裘 8 虞 6 田 8 洪 8 孔 9 董 8 姚 9 余 7 缪 4 "
    "谢 8 杨 14 刘 12 葛 6 顾 7 盛 6 屠 4 戴 6 任 5 童 5 诸 4 郭 5 林 6 马 5 蒋 6 魏 4 冯 5 钱 8 邵 6 郁 3 柴 3 翁 3 丁 8 曹 6 卜 2 娄 3 詹 3 谭 3 欧阳 0.3"
)

_MALE: Final = {
    1930: "阿根 福兴 金水 关荣 银法 长根 水根 来法 阿毛 柏林 仁 炳 泉 松 顺 兴 祥 忠 荣 德",
    1950: "建国 国庆 建华 志明 国强 金龙 建民 关水 国荣 水良 建军 永康 光 军 明 强 国 华 平 兴 根 良 荣 林 祥 海",
    1970: "伟 军 勇 强 刚 斌 杰 峰 涛 辉 建 志 国 永 海 文 晓 明 华 平 东 波 良 林 锋 飞",
    1990: "浩 杰 鑫 磊 超 俊 凯 宇 鹏 嘉 佳 晨 伟 涛 飞 斌 帆 翔 志 文 泽 晓 思 一 天 阳",
    2005: "子 轩 浩 宇 泽 梓 睿 俊 涵 博 文 辰 宸 铭 奕 嘉 然 熙 皓 昊 晨 逸 霖 沐 一 诺",
}
_FEMALE: Final = {
    1930: "阿毛 彩娥 凤仙 杏花 水仙 金凤 雅珍 阿凤 桂花 月英 珍 英 娟 娥 仙 香 凤 琴 花 秀",
    1950: "秀英 桂英 玉兰 国英 建英 爱珍 水娟 金花 关凤 雅琴 英 华 珍 芳 兰 琴 娟 凤 萍 玲 秀 美 爱 亚",
    1970: "丽 芳 燕 敏 娟 霞 红 静 艳 萍 玲 英 华 琴 亚 晓 海 春 小 建 飞 利 雅 美 群 波",
    1990: "婷 雪 静 佳 倩 颖 莹 丹 晨 琳 欣 怡 思 梦 雨 露 晓 慧 瑶 蕾 璐 诗 嘉 洁 文 一",
    2005: "涵 萱 欣 怡 梓 雨 诗 语 妍 彤 悦 可 心 一 诺 芷 若 晨 依 沐 汐 玥 琪 苒 宁 子",
}
# How often the given name has one character, by the same decades.
_SINGLE: Final = {1930: 0.25, 1950: 0.35, 1970: 0.42, 1990: 0.4, 2005: 0.1}


def _pairs(text: str) -> tuple[list[str], list[float]]:
    parts = text.split()
    return parts[::2], [float(weight) for weight in parts[1::2]]


SURNAMES: Final[list[str]] = sorted({*_pairs(_NATIONAL)[0], *_pairs(_LOCAL)[0]})
_PLACE: Final = {surname: place for place, surname in enumerate(SURNAMES)}


def surnames(rng: np.random.Generator, local: np.ndarray) -> Ints:
    """Places in `SURNAMES`, drawn by the district's own distribution where local, by the country's
    elsewhere.
    """
    found = np.empty(len(local), dtype=np.int64)
    for text, mask in ((_LOCAL, local), (_NATIONAL, ~local)):
        words, weights = _pairs(text)
        places = np.array([_PLACE[word] for word in words])
        found[mask] = places[draw(rng, weights, int(mask.sum()))]
    return found


def full_names(rng: np.random.Generator, surname: Ints, male: np.ndarray, year: Ints) -> pl.Series:
    """Surname and given name. Args all of shape (n,): place in `SURNAMES`, sex, year of birth."""
    n = len(surname)
    table: list[str] = []
    index = np.zeros(n, dtype=np.int64)
    second = np.full(n, -1, dtype=np.int64)
    decades = sorted(_SINGLE)
    for position, decade in enumerate(decades):
        upper = decades[position + 1] if position + 1 < len(decades) else 9999
        lower = decade if position else 0
        for source, is_male in ((_MALE, True), (_FEMALE, False)):
            words = source[decade].split()
            mask = (year >= lower) & (year < upper) & (male == is_male)
            base, count = len(table), int(mask.sum())
            table.extend(words)
            first = rng.integers(0, len(words), count)
            singles = np.array([len(word) == 1 for word in words])
            ones = np.flatnonzero(singles)
            other = ones[rng.integers(0, len(ones), count)]
            two = singles[first] & (rng.random(count) >= _SINGLE[decade])
            index[mask] = base + first
            second[mask] = np.where(two, base + other, -1)
    tail = pick(table, second).fill_null("")
    return cat(pick(SURNAMES, surname), pick(table, index), tail)


ROADS: Final = {
    "城厢街道": "市心南路 人民路 体育路 文化路 萧绍路 西河路 江寺路 拱秀路 回澜路 湘湖路 潘水路 育才路 崇化路 休博路",
    "北干街道": "市心中路 金城路 博学路 工人路 山阴路 育才北路 永久路 金鸡路 风情大道 金惠路 萧杭路 通惠中路",
    "蜀山街道": "通惠南路 蜀山路 晨晖路 南秀路 亚太路 萧金路 道源路 湖山路 育才路 风情大道",
    "新塘街道": "通惠路 南环路 新塘路 罗婆路 萧绍东路 塘湄路 浙东路 霞江路 官河路",
    "宁围街道": "市心北路 建设一路 建设二路 建设三路 建设四路 利华路 金鸡路 宁安路 江宁路 通惠北路 江南大道",
    "盈丰街道": "博奥路 民和路 平澜路 奔竞大道 观澜路 飞虹路 皓月路 江南大道 钱江路 丰北路",
    "新街街道": "新街大道 长山路 花城路 通惠北路 盛乐路 同兴路 红垦路 北塘路",
    "闻堰街道": "时代大道 闻兴路 万达路 黄山路 三江路 湘滨路 江堤路 老虎洞路",
    "靖江街道": "靖港路 保税大道 靖江大道 青六路 和顺路 光明路",
    "南阳街道": "南阳大道 阳城大道 赭山路 潮都路 永利路 龙虎路",
    "瓜沥镇": "航坞路 人民路 友谊路 青年路 东灵路 塘北路 党山路 坎山路 航民路 世安路",
    "临浦镇": "东藩路 人民路 峙山路 浴美施路 通二路 苎萝路 临江路 戴家桥路",
    "衙前镇": "衙前路 萧绍东路 凤凰路 吟龙路 成虎路 毕公路",
}
GENERIC_ROADS: Final = "振兴路 镇中路 人民路 育才路 建设路 文化路 兴业路 东环路 西环路".split()

ESTATE_HEADS: Final = (
    "金帝 湖滨 潇湘 绿茵 银河 江南 北辰 东方 锦绣 翡翠 望江 云栖 明珠 天悦 华达 阳光 星都 世纪 泰和 郁金香 桂语 澜庭 "
    "钱塘 萧然 怡景 丽景 香樟 金色 雍景 滨江 龙湖 蓝爵 枫林 翠苑 和润 广宁 景瑞 朗诗 春晓 御景 汇宇 春江 名望 博雅"
).split()
ESTATE_TAILS: Final = "花园 公寓 家园 名苑 新村 府 城 苑 小区 华庭 雅苑 嘉园 人家 名邸".split()

BRAND: Final = list(
    "宏盛达华鑫瑞恒泰隆昌兴博远腾飞祥和顺德嘉润丰源联创新天成金鼎万荣诚信佳康美东方航越萧湘江钱塘力特"
)
COMPANY_WORDS: Final = {
    "制造业": [
        "纺织",
        "化纤",
        "机械制造",
        "五金",
        "印染",
        "羽绒制品",
        "汽车零部件",
        "钢结构",
        "塑料制品",
        "家具制造",
    ],
    "建筑业": ["建筑工程", "装饰工程", "市政园林", "土石方工程", "渣土运输"],
    "批发业": ["贸易", "进出口", "纺织品贸易", "建材", "农产品"],
    "零售业": ["百货", "电器销售", "服饰", "家居用品", "电子商务"],
    "餐饮业": ["餐饮管理", "食品", "酒店管理"],
    "住宿业": ["酒店", "宾馆管理"],
    "交通运输仓储业": ["物流", "运输", "仓储", "供应链管理", "快递服务"],
    "信息技术服务业": ["科技", "网络科技", "信息技术", "软件", "智能科技"],
    "金融业": ["投资管理", "融资担保", "小额贷款"],
    "房地产业": ["置业", "房地产开发", "物业服务", "房产经纪"],
    "租赁和商务服务业": ["商务咨询", "人力资源", "企业管理", "广告传媒", "汽车租赁"],
    "居民服务业": ["家政服务", "汽车维修", "美容美发", "洗涤服务"],
    "教育培训业": ["教育咨询", "培训学校", "文化艺术培训"],
    "卫生业": ["医疗门诊部", "口腔门诊部", "医药"],
    "文体娱乐业": ["文化传播", "体育发展", "健身服务", "影视传媒"],
    "农林牧渔业": ["农业开发", "苗木", "水产养殖", "花木"],
}
SHOP_WORDS: Final = {
    "制造业": ["加工厂", "织造厂", "五金加工店", "制衣坊"],
    "建筑业": ["装修服务部", "水电安装部"],
    "批发业": ["副食批发部", "建材经营部", "布料经营部"],
    "零售业": ["便利店", "超市", "水果店", "服装店", "烟酒店", "手机店", "五金店", "药店"],
    "餐饮业": ["小吃店", "面馆", "快餐店", "火锅店", "奶茶店", "土菜馆", "早餐店", "烧烤店"],
    "住宿业": ["旅馆", "民宿"],
    "交通运输仓储业": ["货运部", "快递代理点"],
    "信息技术服务业": ["电脑维修部", "打印店"],
    "金融业": ["信息咨询部"],
    "房地产业": ["房产中介所"],
    "租赁和商务服务业": ["广告制作部", "汽车租赁部"],
    "居民服务业": ["理发店", "洗车店", "美容院", "干洗店", "电动车修理店", "足浴店"],
    "教育培训业": ["托管服务部", "书画培训部"],
    "卫生业": ["诊所", "中医馆"],
    "文体娱乐业": ["棋牌室", "台球室", "网吧", "健身房"],
    "农林牧渔业": ["家庭农场", "苗木经营部"],
}
