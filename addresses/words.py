"""Words by which the parts of an address are known (通名、方位词): what ends a road's, a village's, a building's name.

Costs are those of `addresses.grammar`: 0 is a word that hardly means anything else.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Ending(NamedTuple):
    """A word that ends a name.

    Attributes:
        kind: `road`, `lane`, `town`, `village`, `zone`, `county`, `city`, `province`, `poi` or `part`.
        cost: how unsure it is that a name ends here.
        inner: what it costs a longer name to hold this word inside: 路 inside a firm's name is rare, 中心 is not.
        alone: what it costs to stand without a name of its own before it (工业区, 人民医院); None: never.
    """

    kind: str
    cost: float
    inner: float
    alone: float | None = None


def _endings(
    kind: str, cost: float, inner: float, words: str, alone: float | None = None
) -> dict[str, Ending]:
    return dict.fromkeys(words.split(), Ending(kind, cost, inner, alone))


ENDINGS: Final[dict[str, Ending]] = {
    **_endings("province", 2.0, 1.5, "省 自治区"),
    **_endings("city", 2.5, 1.0, "市"),
    **_endings("county", 2.5, 1.5, "县 自治县"),
    **_endings("county", 2.5, 0.3, "旗"),
    **_endings("county", 2.8, 0.6, "区"),
    **_endings("town", 0.2, 3.0, "街道 街道办事处 街道办 街办事处"),
    **_endings("town", 0.4, 2.0, "镇"),
    **_endings("town", 0.8, 0.5, "乡 苏木"),
    **_endings("village", 0.2, 3.0, "村委会 居委会 村民委员会 居民委员会 行政村 自然村 社区居委会 社区"),
    **_endings("village", 0.4, 2.2, "村"),
    **_endings("village", 1.2, 0.3, "庄 屯 寨 堡 大队 圩 坞 坪"),
    **_endings("road", 0.0, 3.0, "路 大道 大街 胡同 国道 省道 县道 高速公路 公路 快速路 环路 辅路 马路 步行街 商业街"),
    **_endings("road", 0.2, 2.2, "街 巷"),
    **_endings("road", 1.2, 0.8, "道 线 弄堂 弄 里弄 条 高速 高架 一条街"),
    **_endings("lane", 0.2, 1.0, "东段 西段 南段 北段 中段 一段 二段 三段 四段", 0.0),
    **_endings("road", 2.2, 0.2, "段 环"),
    **_endings("road", 3.5, 0.2, "桥"),
    **_endings("group", 0.8, 0.5, "组 村民组 村民小组 生产队"),
    **_endings("zone", 0.0, 2.5, "经济技术开发区 经济开发区 高新技术开发区 高新技术产业开发区 高新技术产业园区 高新开发区 高新园区 高新区 保税区 综合保税区 度假区 旅游度假区 开发区 经济区 示范区", 1.5),
    **_endings("zone", 1.5, 1.0, "新区 管委会 开发区管委会", 1.0),
    # Named places: estates and buildings for living.
    **_endings("estate", 0.0, 2.2, "小区 花园 公寓 花苑 家园 山庄 别墅 名苑 景苑 嘉苑 雅苑 佳苑 锦苑 家苑 新苑 丽苑 华庭 豪庭 华府 名邸 名都 嘉园 锦园 景园 佳园 雅园 新村 新城 公馆 豪园 人家 小镇 水岸 丽都 豪苑 美墅 名庭 华苑 名居 雅居 新居 安居 丽景 花城 城市花园 国际花园 住宅区 住宅小区 公租房 廉租房 安置房 宿舍楼 宿舍 家属院 家属楼 家属区 大院 生活区 教工楼 集宿 集宿区"),
    **_endings("estate", 0.7, 0.9, "苑 园 庭 府 邸 墅 郡 湾 城 居 轩 阁 院 台 景 里 坊 庄园 公园 组团 花都 新天地 新都 天地 国际 春天 时代 阳光 中央 国际城"),
    # Office buildings, markets, parks of industry.
    **_endings("estate", 0.0, 2.5, "工业区 工业园 工业园区 科技园 科技园区 产业园 产业园区", 1.5),
    **_endings("market", 0.0, 2.5, "市场", 1.5),
    **_endings("market", 0.0, 2.5, "大厦 广场", 1.5),
    **_endings("market", 0.0, 1.5, "商城 商贸城 小商品城 小商品市场 批发市场 农贸市场 菜市场 轻纺城 服装城 鞋城 鞋都 汽配城 家具城 建材城 建材市场 装饰城 皮革城 电器城 灯具城 茶叶城 食品城 交易市场 服饰城 大世界 花木城 汽车城 材料市场 钢材市场 服装市场 模具城 电子城 数码城", 1.5),
    **_endings("estate", 0.0, 1.5, "创业园 创意园 创意产业园 软件园 物流园 物流园区 电子商务园 电商园 园区 景区 厂区 库区 片区 功能区 集聚区 集中区 产业区 加工区 实验区 试验区 别墅区 商务区 孵化园 众创空间 基地 创业基地", 1.5),
    **_endings("poi", 0.0, 1.2, "中心 商厦 大楼 写字楼 办公楼 综合楼 商务楼 贸易城 五金城 商业中心 商业广场 购物中心 商务中心 创新中心 孵化器 仓储 物流中心 物流 物业 交易中心 会展中心 体育中心 体育馆 博览中心 商业城 机电城 水产城 科技城 机械厂 文化城 市政府 区政府 县政府 镇政府 乡政府 政府", 1.5),
    # Public places.
    **_endings("poi", 0.0, 0.7, "社区卫生服务中心 社区卫生服务站 社区服务中心 便民服务中心 人民医院 中医院 中心医院 妇幼保健院 医院 卫生院 卫生所 诊所 门诊部 卫生服务中心 学校 小学 中学 高中 初中 幼儿园 学院 大学 职高 技校 党校 校区 中心小学 银行 支行 分行 信用社 营业厅  储蓄所 邮局 邮政局 派出所 公安局 分局 法院 检察院 交警队 消防队 供电局 供电所 税务局 国税局 地税局 工商局 工商所 财政局 教育局 民政局 环保局 规划局 国土局 管理局 管理所 管理处 车站 汽车站 客运站 客运中心 火车站 地铁站 东站 西站 南站 北站 机场 码头 港口 收费站 服务区 加油站 加气站 变电所 水库 公园 体育场 图书馆 博物馆 文化宫 文化中心 活动中心 服务中心 会议中心 纪念馆 美术馆 教堂 寺 庙 祠堂 礼堂 大会堂 殡仪馆 敬老院 养老院 福利院 办事处 村部 村委 邮政支局 电信局 电信大楼 监狱 看守所 武警 部队 老年活动中心 粮站 粮管所 水厂 电厂 污水处理厂 停车场 停车库 车管所 驾校 汽修厂 自来水公司 供电公司", 1.0),
    # Firms and shops.
    **_endings("poi", 0.0, 2.5, "有限责任公司 股份有限公司 有限公司 分公司 总公司 公司", 3.0),
    **_endings("poi", 0.0, 0.8, "集团 总厂 分厂 工厂 事务所 研究所 研究院 设计院 实验室 工作室 俱乐部 会所 酒店 大酒店 宾馆 旅馆 旅店 饭店 大饭店 招待所 客栈 民宿 度假村 农家乐 餐厅 餐馆 超市 商场 百货 商店 商行 专卖店 旗舰店 便利店 药店 大药房 药房 书店 网吧 网咖 酒吧 茶楼 茶馆 咖啡 咖啡厅 影城 影院 电影院 剧院 浴场 浴室 健身房 美容院 美容店 理发店 美发店 美发 美容 造型 服饰 服装 服装店 鞋业 鞋店 鞋厂 皮鞋 电器 电子 科技 机电 五金 五金店 五金厂 建材 装饰 家具 家居 家纺 纺织 针织 印染 印刷 包装 塑料 塑业 化工 机械 模具 汽配 汽修 汽车 4S店 轮胎 电脑 通讯 通信 手机店 手机 数码 摄影 婚纱 广告 文具 图文 打印 快递 速递 驿站 菜鸟驿站 服务站 服务部 门市部 门市 批发部 批发 旗舰 分店 总店 小店 实业 企业 商贸 贸易 制造 制衣 食品 水果 水果店 蛋糕 蛋糕店 饰品 珠宝 眼镜 眼镜店 幼教 培训 培训中心 教育 培训学校 传媒 文化 网络 股份 证券 保险 信息 租赁 家政 洁具 卫浴 灯饰 照明 布艺 窗帘 门窗 地板 涂料 油漆 石材 铝业 钢业 钢构 阀门 泵业 电机 电气 电源 仪表 轴承 齿轮 标准件 紧固件 配件 弹簧 工具 玩具 箱包 皮具 雨具 伞业 眼镜厂 纸业 木业 竹业 农业 农场 林场 渔业 水产 养殖场 花店 花卉 苗木 茶业 茶叶 酒业 饮料 药业 医药 生物 医疗 器械 光电 能源 新能源 环保 电力 燃气 水务 建筑 建设 建工 工程 房产 地产 置业 中介 投资 金融 典当 担保 咨询 理发 棋牌室 台球 台球厅 足浴 养生 会馆 健身 瑜伽 舞蹈 艺术 琴行 乐器 体育 户外 自行车 电动车 摩托车 车行 洗车 修理 修理厂 配送 货运 托运 托运部 运输 航空 旅行社 票务 指挥部 自提点 代收点 总部 村口 桥头", 2.0),
    **_endings("poi", 0.3, 0.4, "厂 店 馆 行 站 所 局 处 部 社"),
    **_endings("part", 0.3, 0.5, "门卫 门卫室 门卫处 保安室 保安亭 岗亭 值班室 前台 总台 大厅 大堂 办公室 财务部 财务室 财务科 人事部 采购部 市场部 技术部 仓储部 车间 工地 项目部 收发室 传达室 快递柜 丰巢柜 丰巢快递柜 专柜 销售部 经营部 食堂 厂房 仓库 营业部", 0.4),
    **_endings("part", 0.3, 2.0, "一期 二期 三期 四期 五期 六期 东区 西区 南区 北区 中区 东苑 西苑 南苑 北苑 东楼 西楼 南楼 北楼 前楼 后楼 主楼 附楼 裙楼 副楼 东门 西门 南门 北门 正门 大门 前门 后门 侧门 东大门 西大门 南大门 北大门 东侧门 东院 西院 南院 北院 住院部 门诊楼 行政楼 教学楼 实验楼 图书馆楼 综合楼 宿舍楼 地下室 地下车库 车库 底商 商铺 店面 门面 门面房 一楼大厅", 0.0),
}  # fmt: skip

# Words beside a place: where from it. Value: cost.
ASSISTANTS: Final[dict[str, float]] = {
    **dict.fromkeys(
        "对面 斜对面 正对面 对过 交叉口 交叉路口 交汇处 交汇口 交汇 交界处 交界 交叉 交口 路口 十字路口 丁字路口 红绿灯 附近 旁边 隔壁 "
        "楼下 楼上 门口 后面 前面 里面 外面 院内 院里 内侧 东侧 西侧 南侧 北侧 东面 西面 南面 北面 东边 西边 南边 北边 东北角 西北角 东南角 西南角 "
        "东首 西首 南首 北首 东头 西头 南头 北头 以东 以西 以南 以北 边上 街上 中间 东北侧 西北侧 东南侧 西南侧 左侧 右侧 左边 右边 "
        "路东 路西 路南 路北 村口 桥头 桥下 路边 路旁 沿线 尽头 到底 入口 出口 转弯处 拐角 周边 一带 地段 方向 后侧 前侧 侧面".split(), 0.0
    ),
    **dict.fromkeys("旁 内".split(), 1.0),
    **dict.fromkeys("与 和 跟 及 口 东 西 南 北 上 下 中 外 后 前 边 里 转 往 向 近".split(), 2.0),
}  # fmt: skip

# Remarks that say nothing of the place.
REMARKS: Final[dict[str, float]] = {
    **dict.fromkeys(
        "电联 请电联 送货前请电联 电话联系 请电话联系 提前电话 联系电话 电话 手机 先电联 到付 自提 代收 收 城区 市辖区 直辖区 县辖区 NULL 无 不详 未知 "
        "的 地址 详细地址 收货地址 收件人 联系人 签收 派送 勿放 暂无".split(), 0.3
    ),
}  # fmt: skip
