"""Rows as received, one Parquet file a batch: every cell a string or null, sensitive columns encrypted, and the row's own
number in its file (`__row`)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ledger.vault import Vault, damaged, fsync_directory

ROW = "__row"
GROUP = 50_000


class RowFiles:
    """The Parquet files of one ledger."""

    def __init__(self, directory: Path, vault: Vault) -> None:
        self.directory = directory
        self._vault = vault
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, batch_id: str) -> Path:
        return self.directory / f"{batch_id}.parquet"

    def write(self, name: str, frames: Iterable[pl.DataFrame], sealed: Collection[str]) -> tuple[Path, int]:
        """Writes frames of one shape to a partial file, fsynced; returns it and the number of rows.

        Args:
            name: of the partial file; unique among writers.
            sealed: columns to be encrypted; those that the frames do not have are ignored.
        """
        partial = self.directory / f"{name}.partial"
        count = 0
        writer: pq.ParquetWriter | None = None
        try:
            with partial.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                for frame in frames:
                    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
                    if writer is None:
                        hidden = [c for c in frame.columns if c in sealed]
                        writer = pq.ParquetWriter(
                            file,
                            table.schema,
                            compression="zstd",
                            encryption_properties=self._vault.writing(hidden),
                        )
                    writer.write_table(table, row_group_size=GROUP)
                    count += frame.height
                if writer is None:
                    pq.write_table(pa.table({ROW: pa.array([], pa.int64())}), file)
                else:
                    writer.close()
                    writer = None
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return partial, count

    def keep(self, partial: Path, batch_id: str) -> None:
        """Gives a partial file its name, durably."""
        partial.rename(self.path(batch_id))
        fsync_directory(self.directory)

    def remove(self, batch_id: str) -> None:
        """Removes the rows of a batch, durably; nothing happens when they are gone."""
        self.path(batch_id).unlink(missing_ok=True)
        fsync_directory(self.directory)

    def count(self, batch_id: str) -> int:
        """How many rows a batch has.

        Raises:
            UsageError: LEDGER_DAMAGED.
        """
        with self._open(batch_id) as file:
            return int(file.metadata.num_rows)

    def frames(self, batch_id: str) -> Iterator[pl.DataFrame]:
        """The rows of a batch, a row group at a time.

        Raises:
            UsageError: LEDGER_DAMAGED.
        """
        with self._open(batch_id) as file:
            for group in range(file.num_row_groups):
                yield _frame(file.read_row_group(group))

    def row(self, batch_id: str, number: int) -> dict[str, str | None]:
        """One row as received, by its `__row`; empty when there is none."""
        with self._open(batch_id) as file:
            for group in range(file.num_row_groups):
                numbers = file.read_row_group(group, columns=[ROW]).column(ROW)
                at = numbers.index(pa.scalar(number, numbers.type)).as_py()
                if at >= 0:
                    found = _frame(file.read_row_group(group).slice(at, 1)).drop(ROW)
                    return found.row(0, named=True)
        return {}

    def _open(self, batch_id: str) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path(batch_id), decryption_properties=self._vault.reading())
        except (OSError, pa.ArrowInvalid) as error:
            raise damaged(f"{self.path(batch_id).name} ({error})") from None


def _frame(table: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found
