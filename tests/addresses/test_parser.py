"""The parser alone, on invented addresses of all shapes; and what holds for any text whatever."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.lexicon import Lexicon, national, short_of
from addresses.parser import Parser
from ontology.terms import load_terms


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser()


def read(parser: Parser, text: str) -> str:
    return " ".join(f"{e.text}/{e.type}" for e in parser.parse(text))


SHAPES = """
浙江省杭州市萧山区北干街道市心中路123号 | 浙江省/11 杭州市/12 萧山区/13 北干街道/23 市心中路/41 123号/road_no
浙江杭州萧山市心北路88号春江时代花园12幢3单元1501室 | 浙江/11 杭州/12 萧山/13 市心北路/41 88号/road_no 春江时代花园/42 12幢/building 3单元/unit 1501室/room
萧山区城厢街道荷香社区银杏路9号 | 萧山区/13 城厢街道/23 荷香社区/31 银杏路/41 9号/road_no
萧山区戴村镇青竹村5组18号 | 萧山区/13 戴村镇/22 青竹村/33 5组/34 18号/road_no
萧山戴村青竹村三组 | 萧山/13 戴村/22 青竹村/33 三组/34
瓜沥镇塘湾村二十三号 | 瓜沥镇/22 塘湾村/33 二十三号/road_no
蕭山區北幹街道　市心路１２３號 | 蕭山區/13 北幹街道/23 市心路/41 １２３號/road_no
浙江省绍兴市柯桥区柯岩街道云栖苑3#2-501 | 浙江省/11 绍兴市/12 柯桥区/13 柯岩街道/23 云栖苑/42 3#/building 2/unit 501/room
云栖苑12-3-401 | 云栖苑/42 12/building 3/unit 401/room
云栖苑12一3一401 | 云栖苑/42 12/building 3/unit 401/room
云栖苑12幢401 | 云栖苑/42 12幢/building 401/room
云栖苑三幢二单元一〇一室 | 云栖苑/42 三幢/building 二单元/unit 一〇一室/room
云栖苑A座1203 | 云栖苑/42 A座/building 1203/room
余杭区良渚街道1-10幢 | 余杭区/13 良渚街道/23 1-10幢/building
西湖区文三路90号7号楼1F | 西湖区/13 文三路/41 90号/road_no 7号楼/building 1F/floor
12号之3 | 12号之3/road_no
市心中路甲8号 | 市心中路/41 甲8号/road_no
市心中路18-22号 | 市心中路/41 18-22号/road_no
市心路与金城路口东50米 | 市心路/41 与/intersection 金城路/41 口/intersection 东50米/distance
宁围街道鸿兴路与金鸡路交叉口 | 宁围街道/23 鸿兴路/41 与/intersection 金鸡路/41 交叉口/intersection
金城路58号对面 | 金城路/41 58号/road_no 对面/direction
临江工业园区3号厂房 | 临江工业园区/industrial_park 3号厂房/room
上海市浦东新区世纪大道1号 | 上海市/11 浦东新区/13 世纪大道/41 1号/road_no
北京市海淀区学院路5号院3号楼2单元101 | 北京市/11 海淀区/13 学院路/41 5号院/road_no 3号楼/building 2单元/unit 101/room
广东省深圳市南山区科技园科兴路2栋8楼 | 广东省/11 深圳市/12 南山区/13 科技园/industrial_park 科兴路/41 2栋/building 8楼/floor
内蒙古自治区呼和浩特市赛罕区学府街20号 | 内蒙古自治区/11 呼和浩特市/12 赛罕区/13 学府街/41 20号/road_no
新疆维吾尔自治区伊犁哈萨克自治州伊宁市解放路7号 | 新疆维吾尔自治区/11 伊犁哈萨克自治州/12 伊宁市/13 解放路/41 7号/road_no
西藏拉萨市城关区金珠西路30号 | 西藏/11 拉萨市/12 城关区/13 金珠西路/41 30号/road_no
香港特别行政区湾仔区轩尼诗道10号 | 香港特别行政区/11 湾仔区/13 轩尼诗道/41 10号/road_no
江苏省苏州市工业园区星湖街328号创意产业园5栋 | 江苏省/11 苏州市/12 工业园区/dev_zone 星湖街/41 328号/road_no 创意产业园/industrial_park 5栋/building
重庆市渝北区龙溪街道红锦大道86号 | 重庆市/11 渝北区/13 龙溪街道/23 红锦大道/41 86号/road_no
杭州经济技术开发区2号大街10号 | 杭州经济技术开发区/dev_zone 2号大街/41 10号/road_no
浙江省杭州市浙江省杭州市余杭区五常街道 | 浙江省/repeated 杭州市/repeated 浙江省/11 杭州市/12 余杭区/13 五常街道/23
320国道58号 | 320国道/41 58号/road_no
中国浙江省宁波市海曙区中山西路2号 | 中国/country 浙江省/11 宁波市/12 海曙区/13 中山西路/41 2号/road_no
城厢街道江寺路文化苑小区东门 | 城厢街道/23 江寺路/41 文化苑小区/42 东门/sub_poi
春晖花园二期6幢 | 春晖花园/42 二期/sub_poi 6幢/building
三江村 | 三江村/33
六和花园3幢 | 六和花园/42 3幢/building
五一村五一路5号 | 五一村/33 五一路/41 5号/road_no
新街街道元沙村8组 电联 | 新街街道/23 元沙村/33 8组/34 电联/noise
地址：萧山区通惠中路1号（区政府旁） | 地址/noise 萧山区/13 通惠中路/41 1号/road_no 区政府/poi 旁/direction
凤凰街道胡家坟振兴路9号 | 凤凰街道/23 胡家坟/33 振兴路/41 9号/road_no
海宁市开元北街68号 | 海宁市/13 开元北街/41 68号/road_no
余杭塘路12号 | 余杭塘路/41 12号/road_no
嘉兴嘉兴市南湖区中山路1号 | 嘉兴/repeated 嘉兴市/12 南湖区/13 中山路/41 1号/road_no
浙江省杭州市西湖区文新街道杭州市西湖区文二路9号 | 浙江省/11 杭州市/12 西湖区/13 文新街道/23 杭州市/repeated 西湖区/repeated 文二路/41 9号/road_no
上海市漕宝路108弄8号1203室 | 上海市/11 漕宝路/41 108弄/sub_road 8号/sub_road_no 1203室/room
拱墅区上塘路瓜山北苑13幢 | 拱墅区/13 上塘路/41 瓜山北苑/42 13幢/building
望春工业园区云林路8号 | 望春工业园区/industrial_park 云林路/41 8号/road_no
柳浦批发市场13街1648号 | 柳浦批发市场/poi 13街/unit 1648号/room
联系电话13800138000萧山区金惠路2号 | 联系电话/noise 13800138000/phone 萧山区/13 金惠路/41 2号/road_no
""".strip().split("\n")


@pytest.mark.parametrize("line", SHAPES)
def test_shapes(parser: Parser, line: str) -> None:
    text, _, expected = line.partition(" | ")
    assert read(parser, text) == expected


def test_nothing_at_all(parser: Parser) -> None:
    assert parser.parse("") == ()
    assert parser.parse(" 　\n") == ()
    assert parser.parse("\u200b") == ()


def test_every_type_is_a_declared_term(parser: Parser) -> None:
    declared = load_terms().lists["address_element"]
    used = {e.type for line in SHAPES for e in parser.parse(line.partition(" | ")[0])}
    assert used <= set(declared)


def test_a_districts_own_names(parser: Parser) -> None:
    text = "望湖九号晓星里7号"
    own = Parser(national().with_names([("望湖九号", "42"), ("晓星里", "33")]))
    assert read(own, text) == "望湖九号/42 晓星里/33 7号/road_no"
    assert read(parser, text) != read(own, text)
    alone = Parser(Lexicon.of([("望湖九号", "42"), ("晓星里", "33"), ("晨曦區", "13")]))
    assert read(alone, "晨曦区晓星里7号") == "晨曦区/13 晓星里/33 7号/road_no"


def test_a_name_may_be_several_things() -> None:
    lexicon = Lexicon.of([("柳浦", "33"), ("柳浦", "41")])
    assert {n.type for n in lexicon.names["柳浦"]} == {"33", "41"}


@pytest.mark.parametrize(
    ("name", "level", "short"),
    [
        ("浙江省", 2, "浙江"), ("内蒙古自治区", 2, "内蒙古"), ("广西壮族自治区", 2, "广西"), ("上海市", 2, "上海"),
        ("延边朝鲜族自治州", 4, "延边"), ("杭州市", 4, "杭州"), ("景宁畲族自治县", 6, "景宁"), ("萧山区", 6, "萧山"),
        ("东区", 6, None), ("戴村镇", 9, "戴村"), ("北干街道", 9, "北干"),
    ],
)  # fmt: skip
def test_everyday_forms(name: str, level: int, short: str | None) -> None:
    assert short_of(name, level) == short


def test_names_of_earlier_years_are_known() -> None:
    names = national().names
    for former in ("萧山市", "绍兴县", "闸北区"):
        assert "13" in {n.type for n in names[former]}


PIECES = st.sampled_from(
    "浙江省 杭州市 萧山 北干街道 戴村镇 青竹村 三组 市心路 与 口 123号 12-3-401 3# 2单元 一〇一室 云栖苑 东50米 , （ ） - 一 号 幢 "
    "１２ A座 电联 13800138000 的 蕭山區 ㈢ ½ 🏠 \u200b \ud800".split(" ")
)


def holds(parser: Parser, text: str) -> None:
    last = 0
    for element in parser.parse(text):
        assert last <= element.start < element.end <= len(text)
        assert element.text == text[element.start : element.end]
        last = element.end


@given(st.lists(PIECES, max_size=14).map("".join))
@settings(deadline=None)
def test_pieces_are_apart_and_are_the_text_as_given(parser: Parser, text: str) -> None:
    holds(parser, text)


@given(st.text(st.characters(), max_size=80))
@settings(deadline=None)
def test_any_unicode_parses(parser: Parser, text: str) -> None:
    holds(parser, text)


def test_long_texts_parse(parser: Parser) -> None:
    shuffled = list("浙江省杭州市萧山区北干街道市心中路123号云栖苑12幢3单元101室，联系人在家。" * 60)
    random.Random(7).shuffle(shuffled)
    holds(parser, "".join(shuffled))
    holds(parser, "1" * 3000)
    holds(parser, "路" * 3000)


def test_the_same_text_parses_the_same_alone_and_among_others(parser: Parser) -> None:
    first = parser.parse("萧山区戴村镇青竹村5组18号")
    parser.parse("上海市浦东新区世纪大道1号")
    assert parser.parse("萧山区戴村镇青竹村5组18号") == first


def test_many_texts_parse_as_each_alone(parser: Parser) -> None:
    texts = [
        "萧山区戴村镇青竹村5组18号",
        "",
        "蕭山區戴村鎮青竹村５組１８號",
        "萧山区戴村镇青竹村5组18号",
        "云栖苑12幢㈢401",
    ]
    assert parser.parse_all(texts) == [parser.parse(text) for text in texts]


def test_texts_with_one_normalised_form_are_read_once(
    parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_: list[str] = []
    spans = Parser._spans

    def counting(self: Parser, text: str) -> list[tuple[str, int, int]]:
        read_.append(text)
        return spans(self, text)

    monkeypatch.setattr(Parser, "_spans", counting)
    parser.parse_all(["蕭山區金惠路２號", "萧山区金惠路2号", "萧山区金惠路2号"])
    assert read_ == ["萧山区金惠路2号"]
