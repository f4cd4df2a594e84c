"""What the terminal shows, cell by cell, so that only what differs from it is sent.

Textual sends the lines that a widget refreshed whole, each run of one style with all its colours. Over a slow line that
is felt. Here its frames are read again: text at known places in known styles becomes the cells that change. A picture
goes out as it came, after the text that it covers. No other control character of a frame goes out: it can only be what
somebody has written. What is no frame goes out as it came. Nothing is taken for known after that, nor after a picture.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_CODE = r"(?:[34]8;(?:2;\d+;\d+;\d+|5;\d+)|10[0-7]|9[0-7]|[34][0-79]|5[1-3]|21|[1-9])"
_TEXT = r"[^\x00-\x1f\x7f-\x9f]"
_RUN = re.compile(rf"\x1b\[({_CODE}(?:;{_CODE})*)m({_TEXT}*)\x1b\[0m|({_TEXT}+)")
_CODES = re.compile(_CODE)
_CONTROL = re.compile(rf"(\x1b\[(?:0|{_CODE}(?:;{_CODE})*)m)|[\x00-\x1f\x7f-\x9f]")  # but for styles
_PICTURE = re.compile(r"\x1bP[\d;]*q[ -~]*\x1b\\")  # in sixel
_BESIDE = re.compile(r"(?:\x07|\x1b\](?!8;)[^\x07\x1b]*(?:\x07|\x1b\\))+")  # the bell, a title, the clipboard
_LINED = frozenset({"4", "7", "9", "21", "51", "52", "53"})  # lines, reversed: a blank shows it
_CHEAP_GAP = 5  # cells: to write so many again is no dearer than to move past them

# What every terminal draws in one cell, whatever stands beside it: no combining marks, no script that is joined or
# written from the right, nothing that is wide (see `_is_certain`).
_NARROW = ((0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x2FF), (0x370, 0x482), (0x48A, 0x52F), (0x1E00, 0x1EFF),
           (0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x20C0), (0x2100, 0x2BFF))  # fmt: skip

_Cell = tuple[str, str]  # a character, and the codes that turn its style on, as far as it shows them


class _UnreadError(ValueError):
    """Not what is understood here."""


class _Piece(NamedTuple):
    """What is written from a place of a line on."""

    y: int
    x: int
    text: str  # as it came
    cells: tuple[_Cell, ...] | None  # `None`: it is not certain which cells the text takes


_Run = tuple[int, int, str]  # line, place, text


class _Frame(NamedTuple):
    """What Textual writes at once: text, and what is drawn over it."""

    pieces: list[_Piece]
    pictures: dict[tuple[int, int], str]  # by line and place


class _Style(NamedTuple):
    """What the codes of a style turn on."""

    attributes: frozenset[str]
    foreground: str
    background: str


class ShownCells:
    """Knows what a terminal shows from what was sent to it."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._lines: dict[int, list[_Cell | None]] = {}
        self._cursor: tuple[int, int] | None = None
        self._style: str | None = None
        self._drawn: str | None = None  # the frame with a picture that was the last there was

    def forget(self) -> None:
        """Take nothing for known: what comes next is sent whole."""
        self._lines = {}
        self._cursor = self._style = self._drawn = None

    def changes(self, data: str, size: tuple[int, int]) -> str:
        """What to send so that the terminal shows what `data` would have it show; empty where it does already.

        Args:
            data: What Textual writes at once.
            size: The columns and rows of the terminal now.
        """
        if size != self._size:
            self.forget()
            self._size = size
        if _BESIDE.fullmatch(data):
            return data
        if data == self._drawn:
            return ""
        self._drawn = None
        try:
            pieces, pictures = _read(data)
        except _UnreadError:
            plain = "\x1b[0m" if self._style else ""
            self.forget()
            return plain + data
        if not all(_is_within(piece, size) for piece in pieces):  # of another size: the next will be right
            pieces, pictures = [piece._replace(cells=None) for piece in pieces], {}
            self.forget()
        if pictures:
            self.forget()  # what is drawn again must not stand on what it covered before
        pen = _Pen(size[0], self._style)
        for piece in pieces:
            self._write(piece, pen)
        for (y, x), picture in pictures.items():
            pen.write_unread(picture, y, x)
        changes = self._sent(pen, (pieces[-1].y, pieces[-1].x))
        if pictures:
            self.forget()  # which cells it covers is the terminal's to say
            self._drawn = data
        return changes

    def _sent(self, pen: _Pen, cursor: tuple[int, int]) -> str:
        """What was written, with the cursor where it belongs after it."""
        written, self._style = pen.written(), pen.style
        if written or cursor != self._cursor:
            self._cursor = cursor
            written += f"\x1b[{cursor[0]};{cursor[1]}H"
        return written

    def _write(self, piece: _Piece, pen: _Pen) -> None:
        """Write what is not there yet."""
        line = self._lines.setdefault(piece.y, [])
        start = piece.x - 1
        if piece.cells is None:  # what follows in the line may have been shifted
            del line[max(start - 1, 0) :]  # to the left, too, where it begins with a combining mark
            pen.write_unread(piece.text, piece.y, piece.x)
            return
        end = start + len(piece.cells)
        if (missing := end - len(line)) > 0:
            line += [None] * missing
        was = tuple(line[start:end])
        if was != piece.cells:
            for first, last in _spans(was, piece.cells):
                pen.write(piece.y, piece.x + first, piece.cells[first:last])
            line[start:end] = piece.cells


class _Pen:
    """Writes with as few codes as it takes: what has one style at once, wherever it stands.

    Args:
        columns: Of the terminal.
        style: The terminal's; `None` where that is not known.
    """

    def __init__(self, columns: int, style: str | None) -> None:
        self.style = style
        self._columns = columns
        self._parts: list[str] = []
        self._runs: dict[str, list[_Run]] = {}  # by style

    def write(self, y: int, x: int, cells: Sequence[_Cell]) -> None:
        """Write cells from a place on; when, does not matter."""
        style, text, start = cells[0][1], "", x
        for at, cell in enumerate(cells, x):
            character, own = cell
            if own != style and not _is_shown_by(cell, style):
                if text.isspace() and style == _seen_of_blank(own):
                    style = own
                else:
                    self._runs.setdefault(style, []).append((y, start, text))
                    style, text, start = own, "", at
            text += character
        self._runs.setdefault(style, []).append((y, start, text))

    def write_unread(self, text: str, y: int, x: int) -> None:
        """Write as it came what stands in no style, after what is before it."""
        self._write_runs()
        self._turn("")
        self._parts.append(f"\x1b[{y};{x}H{text}")

    def written(self) -> str:
        """What was written."""
        self._write_runs()
        return "".join(self._parts)

    def _write_runs(self) -> None:
        self._give_blanks_away()
        at: tuple[int, int] | None = None  # where the cursor is
        while self._runs:
            self._turn(min(self._runs, key=lambda style: len(_turn(self.style, style))))
            for y, x, text in self._runs.pop(self.style or ""):
                self._parts += _way(at, y, x), text
                end = x + len(text)
                at = (y, end) if end <= self._columns else None  # it cannot go on from the last column

    def _give_blanks_away(self) -> None:
        """Have blanks that are alone in their style written with text that stands on the same colour."""
        for blank, runs in list(self._runs.items()):
            if all(text.isspace() for _, _, text in runs):
                other = next((one for one in self._runs if one != blank == _seen_of_blank(one)), None)
                if other is not None:
                    self._runs[other] = sorted(self._runs[other] + self._runs.pop(blank))

    def _turn(self, style: str) -> None:
        if style != self.style:
            self._parts.append(_turn(self.style, style))
            self.style = style


def _is_within(piece: _Piece, size: tuple[int, int]) -> bool:
    """Whether the terminal has the cells; one that has become smaller puts what is beyond into its last ones."""
    columns, rows = size
    return piece.y <= rows and piece.x - 1 + len(piece.cells or ()) <= columns


def _read(data: str) -> _Frame:
    """A frame as what it consists of.

    Raises:
        _UnreadError: It is none.
    """
    before, *parts = _MOVE.split(data)
    if before or not parts:
        raise _UnreadError
    pieces: list[_Piece] = []
    pictures: dict[tuple[int, int], str] = {}
    for y, x, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        place, bare = (int(y), int(x)), text.removesuffix("\n")  # after which there is a move
        if bare.startswith("\x1bP") and (bare == pictures.get(place) or _PICTURE.fullmatch(bare)):
            pictures[place] = bare
        else:
            pieces.append(_piece(*place, bare))
    if not pieces:
        raise _UnreadError
    return _Frame(pieces, pictures)


def _piece(y: int, x: int, text: str) -> _Piece:
    """A piece, without control characters: they take no cells."""
    try:
        return _Piece(y, x, text, _cells(text))
    except _UnreadError:
        text = _CONTROL.sub(r"\1", text)
        return _Piece(y, x, text, None)


@lru_cache(256)
def _cells(text: str) -> tuple[_Cell, ...] | None:
    """The cells of a piece's text; `None` where it is not certain that each character takes one.

    Raises:
        _UnreadError: It is not text in styles.
    """
    cells: list[_Cell] = []
    at, is_certain = 0, True
    while at < len(text):
        run = _RUN.match(text, at)
        if run is None:
            raise _UnreadError
        at = run.end()
        style, words = (run[1], run[2]) if run[1] is not None else ("", run[3])
        is_certain = is_certain and (words.isascii() or all(map(_is_certain, words)))
        blank = " ", _seen_of_blank(style)
        cells += [blank if character == " " else (character, style) for character in words]
    return tuple(cells) if is_certain else None


@lru_cache(4096)
def _is_certain(character: str) -> bool:
    """Whether every terminal draws a character in one cell."""
    code = ord(character)
    is_narrow = any(first <= code <= last for first, last in _NARROW)
    return is_narrow and unicodedata.east_asian_width(character) not in ("W", "F")


def _spans(was: Sequence[_Cell | None], now: Sequence[_Cell]) -> Iterator[tuple[int, int]]:
    """Where cells differ, in spans; those that are near each other and between which no style changes are one."""
    differing = [index for index, (old, new) in enumerate(zip(was, now, strict=True)) if old != new]
    first = differing[0]
    for one, other in pairwise((*differing, len(now) + _CHEAP_GAP)):
        if other == one + 1:
            continue
        if other - one > _CHEAP_GAP or not all(_is_shown_by(cell, now[one][1]) for cell in now[one + 1 : other + 1]):
            yield first, one + 1
            first = other


def _is_shown_by(cell: _Cell, style: str) -> bool:
    """Whether a cell looks the same when it is written in a style."""
    return cell[1] == style or (cell[0] == " " and cell[1] == _seen_of_blank(style))


@lru_cache(1024)
def _seen_of_blank(style: str) -> str:
    """What is seen of a style where there is no character."""
    attributes, _, background = _style(style)
    return style if attributes & _LINED else background


@lru_cache(1024)
def _style(codes: str) -> _Style:
    """What codes turn on."""
    attributes, foreground, background = set[str](), "", ""
    for code in _CODES.findall(codes):
        if (code.startswith("4") and len(code) > 1) or code.startswith("10"):
            background = "" if code == "49" else code
        elif code.startswith(("3", "9")) and len(code) > 1:
            foreground = "" if code == "39" else code
        else:
            attributes.add(code)
    return _Style(frozenset(attributes), foreground, background)


def _way(start: tuple[int, int] | None, y: int, x: int) -> str:
    """The shortest sequence that takes the cursor from one line and place, if they are known, to another."""
    absolute = f"\x1b[{y};{x}H" if x > 1 else f"\x1b[{y}H"
    if start is None or not start[0] <= y <= start[0] + 1:
        return absolute
    down, right = "\x1bD" * (y - start[0]), x - start[1]
    from_left = f"\r\x1b[{x - 1}C" if x > 1 else "\r"
    ways = [f"\x1b[{right}C"] if right > 0 else ["\b" * -right, f"\x1b[{-right}D", from_left]
    return min(*(down + way for way in ways), absolute, key=len)


@lru_cache(4096)
def _turn(was: str | None, now: str) -> str:
    """The sequence that makes one style of another."""
    new = _style(now)
    if was is None or not (old := _style(was)).attributes <= new.attributes:
        return f"\x1b[0;{now}m" if now else "\x1b[0m"
    codes = sorted(new.attributes - old.attributes)
    if new.foreground != old.foreground:
        codes.append(new.foreground or "39")
    if new.background != old.background:
        codes.append(new.background or "49")
    return f"\x1b[{';'.join(codes)}m"
