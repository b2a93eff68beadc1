"""What departments send to rows of strings: text, workbooks, JSON, Parquet and databases, told apart by content.

`sources` gives the rows of a file piece by piece, so that memory does not grow with the file, and says what was
odd about them; it never changes a cell, shifts one, or guesses.
"""

from __future__ import annotations

from loaders.readers.compatible import Sheet, read
from loaders.readers.database import database_name, read_sql
from loaders.readers.model import ROW, BadRow, Limits, Note, Notes, Reading, Source, file_date
from loaders.readers.openers import SUFFIXES, sources, stream_sources

__all__ = [
    "ROW",
    "SUFFIXES",
    "BadRow",
    "Limits",
    "Note",
    "Notes",
    "Reading",
    "Sheet",
    "Source",
    "database_name",
    "file_date",
    "read",
    "read_sql",
    "sources",
    "stream_sources",
]
