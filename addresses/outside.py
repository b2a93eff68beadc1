"""Names of places outside the district (区外地名): what tells an address next door from one at home."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from addresses.text import normalise
from ontology.errors import UsageError
from ontology.reading import read_yaml

NEIGHBOURS: Final = Path(__file__).resolve().parent.parent / "catalog" / "places" / "outside.yaml"

_STRANGE: Final = re.compile(
    r"[\u4e00-\u9fff]{2,7}?(?:自治区|自治州|自治县|特别行政区|省|市(?![场民集价值面容井])|县)"
)
_NOT: Final = re.compile("(?:门|超|菜|都|城|闹|夜|集|花|股|早|楼|黑)市$")


# A county's 区 only where a text begins with it: 区 ends too many other words.
_FIRST: Final = re.compile(r"[\u4e00-\u9fff]{2,3}区(?=[\u4e00-\u9fff])")
_NO_COUNTY: Final = re.compile(
    r"(?:小|社|园|发|业|新|城|市|景|校|厂|片|辖|舍|活|街|东|西|南|北|中|库|院|地|郊|山|林|矿|港|[一二三四五六七八九十])区$"
)
_TOWN: Final = re.compile(r"[\u4e00-\u9fff]{2,3}(?:街道|镇|乡)(?![\u4e00-\u9fff]?政府)")
_NO_TOWN: Final = re.compile(
    r"(?:小|古|城|集|乡|村|水|名|本|我|该|全|各|老|回|下|故|家)[镇乡]$|^(?:本|该|我|各|全)"
)


class OutsideFile(BaseModel):
    """What the file holds: `own`, the province and city that the district lies in; `neighbours`, counties and cities around;
    `moved`, streets and towns that were the district's and are another's now; `far`, provinces and cities elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    own: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    far: tuple[str, ...] = ()


class Outside:
    """Names outside the district. `names`: name → whether it was once the district's own; `own`: province and city."""

    def __init__(self, declared: OutsideFile) -> None:
        self.names: dict[str, bool] = {}
        for name in (*declared.neighbours, *declared.far):
            self.names[normalise(name).text] = False
        for name in declared.moved:
            self.names[normalise(name).text] = True
        self.own = frozenset(normalise(name).text for name in declared.own)

    def strange(self, text: str, first: bool = False) -> str | None:
        """A county, city or province that a text names by its ending alone, and that is none of the known names.

        `first`: nothing stands before the text.
        """
        for own in sorted(self.own, key=len, reverse=True):
            text = text.replace(own, " ")
        for match in _STRANGE.finditer(text):
            name = match.group()
            if not _NOT.search(name) and name not in self.own:
                return name
        begins = _FIRST.match(text.lstrip()) if first else None
        return begins.group() if begins is not None and not _NO_COUNTY.search(begins.group()) else None

    def town(self, text: str) -> str | None:
        """A street or town that a text names by its ending alone."""
        for match in _TOWN.finditer(text):
            if not _NO_TOWN.search(match.group()):
                return match.group()
        return None


@lru_cache(maxsize=8)
def load_outside(path: Path = NEIGHBOURS) -> Outside:
    """The names of a file; none when there is no file.

    Raises:
        UsageError: when the file is wrong.
    """
    if not path.is_file():
        return Outside(OutsideFile())
    try:
        return Outside(OutsideFile.model_validate(read_yaml(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(
            "BAD_ARGUMENT",
            f"无法读取区外地名 {path.name}。",
            f"The names outside the district in {path.name} cannot be read: {error}",
        ) from error
