"""Zip archives while logs are made of them: members told by their own headers, and a directory of some of them.

The format is that of APPNOTE.TXT 6.3.10, sections 4.3.7 (local file header) and 4.5.3 (ZIP64 sizes).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol
from zipfile import ZipFile, ZipInfo

PART = ".part"

_HEADER = struct.Struct("<4s5H3L2H")  # signature, version, flags, method, time, date, CRC, two sizes, two lengths
_SIGNATURE = b"PK\x03\x04"
_ZIP64 = 0x0001
_IN_ZIP64 = 0xFFFFFFFF
_COPY_BYTES = 1024 * 1024


def part_of(log: Path) -> Path:
    """Where the archive lies of a log that is being written."""
    return log.with_name(log.name + PART)


class Readable(Protocol):
    """What can be read from any place."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...

    def read(self, size: int = -1, /) -> bytes | None:
        """Read bytes."""
        ...


def copy_bytes(source: Readable, start: int, end: int, target: BinaryIO) -> None:
    """Copy a part of a file."""
    source.seek(start)
    while start < end and (chunk := source.read(min(_COPY_BYTES, end - start))):
        target.write(chunk)
        start += len(chunk)


def copy_beside_writer(fd: int, start: int, end: int, target: BinaryIO) -> None:
    """Copy a part of a file that somebody else writes to, further on, with the same descriptor."""
    while start < end and (chunk := os.pread(fd, min(_COPY_BYTES, end - start), start)):
        target.write(chunk)
        start += len(chunk)


def scan_members(file: Readable) -> Iterator[tuple[ZipInfo, int]]:
    """The members of an archive in the order in which they were written, without its directory; each with its end.

    Stops before a member that is not whole, as the last one is of an archive whose writer was killed.
    """
    size, at = file.seek(0, os.SEEK_END), 0
    while (found := _read_header(file, at)) is not None and found[1] <= size:
        yield found
        at = found[1]


def member_end(file: Readable, info: ZipInfo) -> int:
    """Where the member after this one begins."""
    found = _read_header(file, info.header_offset)
    if found is None:
        raise ValueError(f"{info.filename} does not begin at {info.header_offset}")
    return found[1]


def put_directory(archive: ZipFile, members: Sequence[ZipInfo], end: int) -> None:
    """Make an open archive consist of some members; what is appended goes behind `end`."""
    archive.filelist[:] = members
    archive.NameToInfo.clear()
    archive.NameToInfo.update((info.filename, info) for info in members)
    archive.start_dir = end
    archive.comment = b""  # marks it as changed, so that the directory is written when it is closed


def write_directory(file: BinaryIO, members: Sequence[ZipInfo]) -> None:
    """Make an archive of a file that consists of some members and stands at their end."""
    with ZipFile(file, "w") as archive:
        put_directory(archive, members, file.tell())


def _read_header(file: Readable, at: int) -> tuple[ZipInfo, int] | None:
    """The member that begins at a place, and its end; `None` where none does, or it was not written to its end."""
    file.seek(at)
    header = file.read(_HEADER.size) or b""
    if len(header) < _HEADER.size or not header.startswith(_SIGNATURE):
        return None
    _, version, flags, method, time, date, crc, compressed, size, name_length, extra_length = _HEADER.unpack(header)
    rest = file.read(name_length + extra_length) or b""
    name, extra = rest[:name_length], rest[name_length:]
    if _IN_ZIP64 in (compressed, size):
        sizes = _zip64_sizes(extra)
        if sizes is None:
            return None
        size, compressed = sizes
    if len(rest) < name_length + extra_length or not compressed:  # sizes are written last
        return None
    when = (1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, 2 * (time & 31))
    info = ZipInfo(name.decode("utf-8" if flags & 0x800 else "cp437", "replace"), when)
    info.header_offset, info.compress_type, info.flag_bits = at, method, flags
    info.CRC, info.compress_size, info.file_size = crc, compressed, size
    info.create_version, info.extract_version = max(version, info.create_version), version
    return info, at + len(header) + len(rest) + compressed


def _zip64_sizes(extra: bytes) -> tuple[int, int] | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64 and length >= 16:
            size, compressed = struct.unpack_from("<2Q", extra, at + 4)
            return size, compressed
        at += 4 + length
    return None
