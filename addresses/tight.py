"""The text of an address as it is read (紧凑文本): without blanks where they say nothing, and with what is plainly mistyped put right.

Every correction keeps the length, so that what is found is shown where it stands in the text as given.
"""

from __future__ import annotations

import re
from typing import Final

from addresses.text import Normalised

_CJK: Final = "\u3400-\u9fff"
_BLANKS: Final = re.compile(
    rf"(?<=[{_CJK}]) +| +(?=[{_CJK}])|(?<=[A-Z]{{2}}) (?=[A-Z]{{3}})|(?<=[0-9]) (?=#)"
)
_BLANK: Final = re.compile(" +")
_SINGLES: Final = re.compile("(?<![0-9A-Z])[0-9](?: [0-9]){1,3}(?![0-9A-Z])")
_COUNTED_SINGLES: Final = re.compile("(?<![0-9A-Z])[0-9](?: [0-9]){1,3} ?[室号组幢栋层]")
_PLURAL: Final = re.compile("(?<![0-9])[0-9]{2,4}(?![0-9年])(?!-[0-9]{2}-|[0-9]*月)")
"""A number of two to four digits: where one stands, 4 1 2 are three numbers; where none does, they are the digits of one."""
_BLANKS_OF_DIGITS: Final = re.compile(
    rf"{_BLANKS.pattern}|(?<=[0-9]) (?=[0-9])|(?<=[0-9]) (?=-)|(?<=-) (?=[0-9])"
)
_MISTYPED: Final = re.compile(
    "(?<=[0-9])[OQ〇零](?=[0-9LI室号])|(?<=[0-9])[LI](?=[0-9室号幢栋])|(?<=[0-9][OQ])[LI](?=[0-9室])|(?<![A-Z])[LI](?=单[元0-9])"
    "|(?<=组)[LI](?=[0-9]?号)"
    "|(?<=[元幢栋层楼])#(?=[0-9])|(?<=[0-9] )#(?=[0-9])|(?<![A-Z])NO[.:]?(?=[0-9])|(?<=[0-9])[.]0(?=[幢栋室号组层楼单])"
)
_UNLIKE: Final = re.compile(
    "(?<=[0-9一二三四五六七八九十])[撞憧幡潼瞳橦疃曈睦幛](?=[0-9一二三四五六七八九十])|(?<=单)[无兀先](?=[0-9一二三四五六七八九〇零])"
    "|(?<=[0-9一二三四五六七八九十])[细纽](?=[0-9一二三四五六七八九十]{1,3}号)"
)
"""What stands for 幢, 元 and 组 where a scan was read by a machine."""
_DIGIT: Final = "〇零一二三四五六七八九"
_ARABIC: Final = str.maketrans(_DIGIT, "00123456789")
_MIXED: Final = re.compile(
    rf"(?<![0-9{_DIGIT}十百千])(?![{_DIGIT}][0-9]{{3}})(?=[{_DIGIT}]*[0-9])(?=[0-9]*[{_DIGIT}])[0-9{_DIGIT}]{{3,4}}(?![0-9{_DIGIT}十百千幢栋梯单]|号楼)"
)
_FRAMED: Final = re.compile(
    r"[(\[【“\"'「]([0-9A-Z]+|[一二三四五六七八九十]+)[)\]】”\"'」](?=号楼|[幢栋室号组层楼]|单元)|_{1,4}([0-9]+)_{1,4}(?=号楼|[幢栋室号组层楼]|单元)"
)
_FORMER: Final = re.compile(rf"\((?:原|旧|曾|老)[^()]{{0,12}}[0-9{_DIGIT}十](?:号楼?|[幢栋组室]|单元)?\)")
"""(原5幢): what it was called before."""
_MARKUP: Final = re.compile("</?[A-Z][^<>]{0,40}>|&(?:AMP;)?(?:[A-Z]{2,8}|#[0-9]{2,5});")
"""What a page or a feed of another system leaves between the parts."""
_STOREYS: Final = re.compile("[/,(](?:总|共|全楼|总共)[0-9]{1,2}[层楼F](?![0-9])\\)?")
"""12层/总33层: of how many."""
_RADIO: Final = re.compile(
    rf"(?<![{_DIGIT}两洞拐])(?=[{_DIGIT}两]*[洞拐])[{_DIGIT}两洞拐]{{3,4}}(?![{_DIGIT}两洞拐元幢栋门])"
)
"""两三洞两: numbers as they are said over a radio."""
_SPOKEN: Final = str.maketrans("两洞拐" + _DIGIT, "20700123456789")
_ODD: Final = frozenset("OQLIN#〇零.")
_PINYIN: Final = re.compile("(?<=[0-9]) ?(ZHUANG|DONG|DANYUAN|HAO|ZU|SHI|LOU|CENG)(?= *(?:[0-9,;)]|$))")
_PINYIN_UNITS: Final = {
    "ZHUANG": "幢", "DONG": "栋", "DANYUAN": "单元", "HAO": "号", "ZU": "组", "SHI": "室", "LOU": "楼", "CENG": "层",
}  # fmt: skip
"""4 zhuang 2 danyuan 602 shi: where names are written in pinyin, so are these."""
_LETTERS: Final = frozenset("GNOUI")
_LOOKS: Final = frozenset("撞憧幡潼瞳橦疃曈睦幛无兀先细纽")
_HAN_DIGITS: Final = frozenset(_DIGIT)
_FRAMES: Final = frozenset("([【“\"'「_")
_APART: Final = re.compile(r"(?:\S{1,2} +){4,}\S{1,2} *")
_NOT: Final = re.compile(r"(?<!是)(?:不是|不在|并非|而非)[\u3400-\u9fff0-9]{1,12}?(?=的|是|在|[,。;!)]|$)")
"""人民路20号,是瓜沥的,不是城厢的: what is said not to be."""
_FROM: Final = re.compile(
    r"^[^,。;]{0,12}?(?:户籍|籍贯|原籍|老家|户口|原住)[^,。;住]{2,25}[,。; ](?=(?:现居?住|租住|暂住|居住)(?:地址?|址|在|于|:)*.{4})"
    r"|\([^()0-9]{2,10}人\)(?=[现租暂]住.{4})"
)
"""原户籍河上镇东山村,现住东方名苑5幢: where somebody is from is not where they live."""
_MOVED: Final = re.compile(
    r"^[^。;]{0,8}?(?:原址|旧址|原地址|旧地址|以前在|原来在|之前在|原先在)[^。;现迁]{2,30}?[,。; ](?=[^,。;]{0,14}?(?:现在?[是在址]|现送|现寄|现改|迁至|搬到|搬至|改至|改到|寄往|寄到|新址|新地址).{4})"
)
"""原址金城路21号已搬,现送达至恒宇大厦1003室: nor is where it was."""
_PARTS: Final = re.compile(r";|。(?=[\u3400-\u9fff]|[0-9]+(?:号楼|[幢栋室号]|单元))|[?!](?=不对)")
"""What parts sentences, where one address is asked for; not what begins a list: 4幢。1、两车相撞。"""


def tight(given: Normalised, whole: bool = False, plain: bool = False) -> tuple[str, list[int] | None]:
    """The text to read, and for each character of it its place in the normalised one; None where that is its own.

    Where every character stands alone, as forms with a box for each are copied, no blank parts anything.

    Args:
        whole: one address is asked for: what parts sentences parts its elements, and what is said not to be it is left out.
        plain: nothing is put right, and blanks between numbers stay: what differs so may mean different places.
    """
    text = given.text
    if plain:
        return (text, None) if " " not in text else _without_blanks(text, _BLANKS)
    if not _ODD.isdisjoint(text):
        text = _MISTYPED.sub(_digit, text)
    if not _LETTERS.isdisjoint(text):
        text = _PINYIN.sub(_unit_of_pinyin, text)
    if not _LOOKS.isdisjoint(text):
        text = _UNLIKE.sub(_unit, text)
    if "<" in text or "&" in text:
        text = _MARKUP.sub(_blank, text)
    if "层" in text or "楼" in text:
        text = _STOREYS.sub(_blank, text)
    if "洞" in text or "拐" in text:
        text = _RADIO.sub(_spoken, text)
    if not _HAN_DIGITS.isdisjoint(text):
        text = _MIXED.sub(_mixed, text)
    if not _FRAMES.isdisjoint(text):
        text = _FRAMED.sub(_unframed, text)
        text = _FORMER.sub(_blank, text)
    if whole:
        text = _PARTS.sub(",", text)
        if "不" in text or "非" in text:
            text = _NOT.sub(_blank, text)
        if "住" in text:
            text = _FROM.sub(_blank, text)
        if "原" in text or "旧" in text or "前" in text:
            text = _MOVED.sub(_blank, text)
    if " " not in text:
        return text, None
    blanks = _BLANKS
    if text.count(" ") * 5 >= len(text) * 2 and _APART.fullmatch(text) is not None:
        blanks = _BLANK
    elif _SINGLES.search(text) is not None and (
        _COUNTED_SINGLES.search(text) is not None or _PLURAL.search(text) is None
    ):
        blanks = _BLANKS_OF_DIGITS
    return _without_blanks(text, blanks)


def _without_blanks(text: str, blanks: re.Pattern[str]) -> tuple[str, list[int] | None]:
    pieces: list[str] = []
    back: list[int] = []
    at = 0
    for match in blanks.finditer(text):
        pieces.append(text[at : match.start()])
        back.extend(range(at, match.start()))
        at = match.end()
    pieces.append(text[at:])
    back.extend(range(at, len(text)))
    return "".join(pieces), back


def span(given: Normalised, back: list[int] | None, start: int, end: int) -> tuple[int, int]:
    """The span of the text as given that a span of the tight text came from."""
    if back is not None:
        start, end = back[start], back[end - 1] + 1
    return given.span(start, end)


def _mixed(number: re.Match[str]) -> str:
    return number.group().translate(_ARABIC)


def _spoken(number: re.Match[str]) -> str:
    return number.group().translate(_SPOKEN)


def _unframed(number: re.Match[str]) -> str:
    return f" {number[1]} " if number[1] else number.group().replace("_", " ")


def _blank(words: re.Match[str]) -> str:
    return " " * len(words.group())


def _unit_of_pinyin(word: re.Match[str]) -> str:
    return _PINYIN_UNITS[word[1]].ljust(len(word[0]))


def _unit(looks: re.Match[str]) -> str:
    char = looks.group()
    return "元" if char in "无兀先" else "组" if char in "细纽" else "幢"


def _digit(mistyped: re.Match[str]) -> str:
    word = mistyped.group()
    return "1" if word in "LI" else " " * len(word) if word[0] in "#N." else "0"
