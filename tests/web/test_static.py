"""Vendored files are what they are said to be, and no page loads anything from elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"
VENDOR = WEB / "static" / "vendor"
_ROW = re.compile(r"^\| `([^`]+)` \| (\S+) \| (\S+) \| (\S+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_vendored_files_are_those_listed() -> None:
    listed = {row[0]: row[4] for row in _ROW.findall((VENDOR / "VENDOR.md").read_text("utf-8"))}
    there = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name not in ("VENDOR.md", "LICENSE")
    }
    assert there == listed


def test_each_has_its_licence() -> None:
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert "MIT License" in (folder / "LICENSE").read_text("utf-8"), folder.name


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in VENDOR.rglob("*") if path.is_file()) < 3_000_000


def test_pages_name_no_other_host() -> None:
    own = [*WEB.glob("*.html"), *(WEB / "static").glob("*")]
    for path in own:
        if path.is_file():
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(
                r"(?:https?:)?//[a-z0-9]", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
            ), path


def test_style_sheets_load_no_other_host() -> None:
    for path in (WEB / "static").rglob("*.css"):
        for url in re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]{1,40})", path.read_text("utf-8")):
            assert url.startswith("data:"), (path, url)
