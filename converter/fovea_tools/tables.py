# SPDX-License-Identifier: Apache-2.0
"""Reads tables that people export from spreadsheets: CSV with commas, semicolons or tabs, with or without a byte-order mark."""

from __future__ import annotations

import csv
import dataclasses
import io
import pathlib
import re
from typing import Dict, List, Optional, Sequence, Union

WORKBOOKS = {b"\xd0\xcf\x11\xe0": ".xls", b"PK\x03\x04": ".xlsx"}
DELIMITERS = ",;\t"
LARGEST = 1 << 28   # bytes
DECLARED = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)   # a first line by which spreadsheets tell each other the separator


class TableError(Exception):
    """A table that cannot be read; the message names file, line and cause."""


@dataclasses.dataclass(frozen=True)
class Row:
    place: str              # "file:line", for messages
    cells: Dict[str, str]   # by trimmed, lower-case header; a column without a header is left out

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def get(self, column: Optional[str]) -> str:
        return self.cells.get(column, "") if column else ""


@dataclasses.dataclass(frozen=True)
class Table:
    path: str
    header: List[str]   # trimmed, lower case; "" for a column without a header
    rows: List[Row]

    def first_of(self, names: Sequence[str]) -> Optional[str]:
        """The first of these columns that the table has."""
        return next((name for name in names if name in self.header), None)


def looks_like_utf16(data: bytes) -> bool:
    """By its mark, or, without one, by the zero in every pair of bytes that plain letters leave."""
    start = data[:64]
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or (
        len(start) > 3 and any(all(start[one::2]) and not any(start[1 - one::2]) for one in (0, 1)))


def _text(path: str, data: bytes) -> str:
    for start, ending in WORKBOOKS.items():
        if data.startswith(start):
            raise TableError(f"{path}: this is an Excel workbook ({ending}); save it as CSV (UTF-8)")
    if looks_like_utf16(data):
        raise TableError(f"{path}: this is UTF-16; save it as CSV (UTF-8)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(f"{path}:{line}: byte 0x{data[error.start]:02x} is no UTF-8; save the file as CSV (UTF-8)") from error
    if "\0" in text:
        raise TableError(f"{path}:{text.count(chr(10), 0, text.index(chr(0))) + 1}: a zero byte; this is no text file")
    return text


def read(path: Union[str, pathlib.Path]) -> Table:
    """The whole table. Blanks around cells, empty lines and empty columns mean nothing; the separator is seen from the header, or from a
    line "sep=;" before it."""
    name = str(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise TableError(f"{name}: {error.strerror}") from error
    if len(data) > LARGEST:
        raise TableError(f"{name}: larger than {LARGEST >> 20} MiB; this is no table")
    text = _text(name, data)
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    declared = DECLARED.fullmatch(first.rstrip("\r\n"))
    delimiter = declared.group(1) if declared else max(DELIMITERS, key=first.count)
    lines = io.StringIO(text, newline="")
    skipped = 0
    while declared and not DECLARED.fullmatch(lines.readline().rstrip("\r\n")):
        skipped += 1
    skipped += bool(declared)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: Optional[List[str]] = None
    rows: List[Row] = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = [cell.lower() for cell in cells]
                twice = sorted({cell for cell in header if cell and header.count(cell) > 1})
                if twice:
                    raise TableError(f"{name}:{reader.line_num + skipped}: the header names the column '{twice[0]}' twice")
                continue
            place = f"{name}:{reader.line_num + skipped}"
            needed = max(index + 1 for index, cell in enumerate(header) if cell)
            if len(cells) < needed:
                raise TableError(f"{place}: {len(cells)} columns, the header needs {needed}")
            if any(cells[len(header):]):
                raise TableError(f"{place}: {len(cells)} columns, the header names {len(header)}")
            rows.append(Row(place, {column: cell for column, cell in zip(header, cells) if column}))
    except csv.Error as error:
        raise TableError(f"{name}:{reader.line_num + skipped}: {error}") from error
    if header is None:
        raise TableError(f"{name}: empty file")
    return Table(name, header, rows)
