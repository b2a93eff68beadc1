"""Workbooks that commands write: beside nothing by mistake, whole or not at all, for their owner's eyes."""

from __future__ import annotations

import os
from pathlib import Path

from ontology.errors import UsageError


def check_workbook(path: Path, force: bool) -> None:
    """That a workbook may be written there.

    Raises:
        UsageError: BAD_ARGUMENT for another ending, a file that is there (unless `force`), a directory that is not.
    """
    if path.suffix.lower() != ".xlsx":
        raise UsageError(
            "BAD_ARGUMENT", f"{path} 应以 .xlsx 结尾", f"{path}: a workbook's name ends in .xlsx"
        )
    if path.exists() and not force:
        raise UsageError(
            "BAD_ARGUMENT", f"{path} 已存在", f"{path} is there already", "Name another file, or add --force."
        )
    if not path.parent.is_dir():
        raise UsageError("BAD_ARGUMENT", f"没有目录 {path.parent}", f"there is no directory {path.parent}")


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all; readable by its owner alone, for it holds rows in clear."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
