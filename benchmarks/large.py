"""`python -m benchmarks large`: one very large file into the ledger, and rows of it on into the record store: seconds and memory."""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import polars as pl
import typer
import xlsxwriter
from rich.console import Console
from rich.table import Table

from benchmarks.build import peak_mb
from benchmarks.measure import ROOT
from loaders.retention import RELEASED
from loaders.wiring import open_loader
from ontology.clock import Clock

console = Console(width=None if sys.stdout.isatty() else 130)
FEED: Final = "checkins"
NAME: Final = "巡防_打卡_20251215"
BLOCK: Final = 200_000
SHEET_ROWS: Final = 1_000_000
"""Rows of the workbook; a sheet holds 1,048,576 at most, so its size cannot be asked for."""


def blocks() -> Iterator[pl.DataFrame]:
    """Patrol check-ins without end, each with a key of its own."""
    for start in itertools.count(0, BLOCK):
        n = pl.col("n")
        two = [(n % most + low).cast(pl.String).str.zfill(2) for most, low in ((12, 1), (28, 1), (24, 0))]
        yield pl.select(n=pl.int_range(start, start + BLOCK)).select(
            pl.format("DK{}", n).alias("打卡流水"),
            pl.format("XL{}", n % 5000).alias("点位编号"),
            pl.format("巡防点位{}号", n % 5000).alias("点位名称"),
            pl.format("2025-{}-{} {}:15:00", *two).alias("打卡时间"),
            pl.format("队员{}", n % 900).alias("队员姓名"),
            pl.format("XF{}", n % 900).alias("队员编号"),
            pl.format("199{}", (n % 900).cast(pl.String).str.zfill(8)).alias("队员手机"),
            *(pl.lit("").alias(name) for name in ("队伍编号", "队伍名称")),
            pl.lit("扫码").alias("打卡方式"),
            *(pl.lit("").alias(name) for name in ("巡防类型", "地址编码", "异常情况")),
            pl.format("萧山区北干街道金城社区金帝花园{}幢", n % 300 + 1).alias("点位地址"),
        )


def write_file(directory: Path, form: str, size: int) -> Path:
    """Writes a file of the form (csv, gz or xlsx), of so many bytes of text at least; a workbook of `SHEET_ROWS` rows."""
    if form == "xlsx":
        return _workbook(directory / f"{NAME}.xlsx")
    path = directory / (f"{NAME}.csv" if form == "csv" else f"{NAME}.csv.gz")
    written = 0
    opened: Any = path.open("wb") if form == "csv" else gzip.open(path, "wb", compresslevel=1)  # noqa: SIM115
    with opened as whole:
        file: BinaryIO = whole
        for i, block in enumerate(blocks()):
            text = block.write_csv(include_header=i == 0).encode()
            file.write(text)
            written += len(text)
            if written >= size:
                return path
    raise AssertionError("unreachable")


def _workbook(path: Path) -> Path:
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    row = 0
    for block in blocks():
        if row == 0:
            sheet.write_row(0, 0, block.columns)
        for values in block.iter_rows():
            row += 1
            sheet.write_row(row, 0, values)
        if row >= SHEET_ROWS:
            book.close()
            return path
    raise AssertionError("unreachable")


def measure(directory: Path, path: Path, digest: int) -> dict[str, Any]:
    """Receives the file; takes its first rows on into the record store, as a file of their own; peaks are of this process."""
    loader = open_loader(directory / "data", None, Clock())
    start_mb, since = peak_mb(), time.perf_counter()
    (batch,) = loader.receive(path, FEED)
    made: dict[str, Any] = {
        "bytes": path.stat().st_size, "rows": batch.rows, "start_mb": start_mb,
        "receive": time.perf_counter() - since, "receive_mb": peak_mb(),
        "kept": loader.ledger.files.path(batch.id).stat().st_size,
    }  # fmt: skip
    if digest:
        part = directory / f"{NAME}_part.csv"
        left = digest
        with part.open("wb") as file:
            for frame in loader.ledger.frames(batch):
                frame.head(left).drop("__row").write_csv(file, include_header=left == digest)
                left -= frame.height
                if left <= 0:
                    break
        (small,) = loader.receive(part, FEED)
        loader.ledger.set_state(batch, "held", "benchmark")
        loader.ledger.set_state(small, "received", RELEASED)
        since = time.perf_counter()
        summary = loader.digest(small, whatever=True)
        made |= {"digested": summary.loaded, "digest": time.perf_counter() - since, "digest_mb": peak_mb()}
    loader.close()
    return made


def main(
    gib: Annotated[float, typer.Option(help="Size of the file's text, GiB.")] = 2.0,
    form: Annotated[list[str] | None, typer.Option(help="csv, gz or xlsx; may be given again.")] = None,
    digest: Annotated[int, typer.Option(help="Rows that go on into the record store.")] = 200_000,
    cache: Annotated[Path, typer.Option(help="Where the file is written, and removed again.")] = Path(
        ".quanxi-benchmarks"
    ),
) -> None:
    """Measure how a very large file is received, and how much memory it takes."""
    table = Table(
        "form", "file, MiB", "rows", "receive, s", "rows/s", "kept, MiB", "memory at start", "peak receiving, MiB",
        "rows on", "s", "peak, MiB", title="one large file",
    )  # fmt: skip
    for each in form or ("csv", "gz", "xlsx"):
        directory = cache.absolute() / "large"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        try:
            path = write_file(directory, each, int(gib * (1 << 30)))
            # In a process of its own, so that its peak memory is that of the work.
            ran = subprocess.run(
                [sys.executable, "-m", "benchmarks.large", str(directory), str(path), str(digest)],
                cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        m = json.loads(ran.stdout)
        table.add_row(
            each, f"{m['bytes'] / (1 << 20):,.0f}", f"{m['rows']:,}", f"{m['receive']:.1f}",
            f"{m['rows'] / m['receive']:,.0f}", f"{m['kept'] / (1 << 20):,.0f}", f"{m['start_mb']:,}", f"{m['receive_mb']:,}",
            f"{m.get('digested', 0):,}", f"{m.get('digest', 0):.1f}", f"{m.get('digest_mb', 0):,}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    print(json.dumps(measure(where, Path(sys.argv[2]), int(sys.argv[3]))))
