"""Text as bytes: unpacked within a limit, in a known encoding, in lines that a table can have.

Every file is looked through once before it is read, so that a fault is told by
file, byte and line, and never by its contents.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

MAX_EXPANSION = 250
"""How many times its size a gzip file may unpack to; tables of zeros reach 100, the format's own limit is 1,032."""
_FREE_EXPANSION = 64 << 20
_BLOCK = 4 << 20
_GUESSES = ("utf-8", "gb18030", "big5")
_LONG = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")
_MANY_BYTES = ("gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc_kr")


class TextFileError(ValueError):
    """A file that cannot be read as text; its message names place, finding and what to do."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Text:
    """A file that can be read: where (a UTF-8 copy, if it was of another encoding), how, and its lines."""

    path: Path
    encoding: str
    lines: int


def open_text(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if its name ends in .gz."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else open(path, "rb")


def readable(path: Path, encodings: tuple[str, ...], scratch: Path) -> Text:
    """`path` as UTF-8 text in sound lines.

    Of several encodings the file must be in exactly one: UTF-8 if it can be
    that, else the other.

    Raises
    ------
    TextFileError
        D025 for another encoding, NUL bytes or lone carriage returns, D027 for
        a file that is not gzip, or unpacks to more than a table can be.
    """
    other = next((name for name in encodings if not is_utf8(name)), None)
    try:
        if other is not None and other.lower().startswith(("utf-16", "utf-32")) and len(encodings) == 1:
            return _transcoded(path, other, scratch)
        look = _look_at(path)
        if look.bad is not None and other is None:
            raise _wrong_encoding(path, "utf-8", look.bad)
        if look.bad is None and not (other and _is_other(path, look, other, is_alone=len(encodings) == 1)):
            return Text(path, "utf-8", look.sound_lines())
        return _transcoded(path, other or "utf-8", scratch)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TextFileError(f"is no whole gzip file ({error}); copy it again", code="D027") from error


def _is_other(path: Path, look: _Look, other: str, *, is_alone: bool) -> bool:
    """Whether a file that can be UTF-8 is in the `other` encoding all the same.

    Nearly every Chinese text in UTF-8 also decodes as GBK, into other
    characters; a short GBK text of rare pairs can pass for UTF-8 of two-byte
    characters, which no Chinese one is.
    """
    if look.is_ascii:
        return False
    if is_alone:
        if look.has_long:
            told = f"is declared {other} and is utf-8 from its first byte to its last; write that"
            raise TextFileError(told, code="D025")
        return True
    if not look.has_long and codecs.lookup(other).name in _MANY_BYTES and first_bad_byte(path, other) is None:
        told = f"can be read as utf-8 and as {other}; make it a source of its own with one encoding"
        raise TextFileError(told, code="D025")
    return False


def is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def blocks(path: Path) -> Iterator[bytes]:
    """The unpacked bytes of a file.

    Raises
    ------
    TextFileError
        D027 if it unpacks to more than `MAX_EXPANSION` times its size.
    """
    limit = max(_FREE_EXPANSION, MAX_EXPANSION * path.stat().st_size) if path.suffix == ".gz" else None
    done = 0
    with open_text(path) as raw:
        while block := raw.read(_BLOCK):
            done += len(block)
            if limit is not None and done > limit:
                told = f"unpacks to more than {MAX_EXPANSION} times its size; expected a table, unpack it by hand if it is one"
                raise TextFileError(told, code="D027")
            yield block


def first_bad_byte(path: Path, encoding: str, *, limit: int | None = None) -> int | None:
    """The place of the first byte that is not of `encoding`, within the first `limit` bytes."""
    decoder, done = codecs.getincrementaldecoder(_superset(encoding))(), 0
    for block in blocks(path):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeError as error:
            return done - pending + int(getattr(error, "start", 0))
        done += len(block)
        if limit is not None and done >= limit:
            return None
    pending = len(decoder.getstate()[0])
    return done - pending if pending else None


def _transcoded(path: Path, encoding: str, scratch: Path) -> Text:
    """A UTF-8 copy in `scratch`."""
    copy = scratch / f"{len(list(scratch.iterdir()))}-{path.name.removesuffix('.gz')}"
    decoder = codecs.getincrementaldecoder(_superset(encoding))()
    try:
        with open(copy, "wb") as file:
            for block in blocks(path):
                file.write(decoder.decode(block).encode())
            file.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as error:
        raise _wrong_encoding(path, encoding, first_bad_byte(path, encoding) or 0) from error
    return Text(copy, encoding, _look_at(copy).sound_lines())


def _superset(encoding: str) -> str:
    # Exports labelled GBK hold characters that only its successor has.
    return "gb18030" if codecs.lookup(encoding).name in ("gbk", "gb2312") else encoding


def _wrong_encoding(path: Path, declared: str, offset: int) -> TextFileError:
    told = f"is declared {declared} and is not, from byte {offset:,} on; "
    with open_text(path) as raw:
        start = raw.read(2)
        raw.seek(max(0, offset - (1 << 16)))
        before = raw.read(min(offset, 1 << 16))
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return TextFileError(told + "it reads as utf-16, write options: {encoding: utf-16}", code="D025")
    if is_utf8(declared) and _LONG.search(before):
        return TextFileError(told + "up to there it is, so the file is damaged or two files were joined", code="D025")
    others = [guess for guess in _GUESSES if guess != codecs.lookup(declared).name]
    guess = next((name for name in others if first_bad_byte(path, name, limit=offset + _BLOCK) is None), None)
    name = "gbk" if guess == "gb18030" else guess
    told += f"it reads as {guess}, write options: {{encoding: {name}}}" if guess else "it is no known encoding"
    return TextFileError(told, code="D025")


@dataclass
class _Look:
    """What one pass over the bytes shows; it ends at `bad`, the first byte that is not UTF-8."""

    bad: int | None = None
    is_ascii: bool = True
    has_long: bool = False  # a character of three or four bytes, as every Chinese one is
    lines: int = 0
    strange: TextFileError | None = None

    def sound_lines(self) -> int:
        if self.strange is not None:
            raise self.strange
        return self.lines


def _look_at(path: Path) -> _Look:
    look, decoder = _Look(), codecs.getincrementaldecoder("utf-8")()
    done, lines, quotes, last = 0, 0, 0, b"\n"
    for block in blocks(path):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            look.bad = done - pending + error.start
            return look
        look.is_ascii = look.is_ascii and block.isascii()
        look.has_long = look.has_long or bool(_LONG.search(block))
        if look.strange is None and (found := _strange(block, last, quotes)):
            what, at = found
            line = lines + block.count(b"\n", 0, max(at, 0)) + 1
            look.strange = TextFileError(
                f"holds {what} (byte {done + at:,}, line {line:,}); {_ADVICE[what]}", code="D025"
            )
        done, lines, quotes = done + len(block), lines + block.count(b"\n"), quotes + block.count(b'"')
        last = block[-1:]
    if decoder.getstate()[0]:
        look.bad = done - len(decoder.getstate()[0])
    if last == b"\r" and quotes % 2 == 0 and look.strange is None:
        look.strange = TextFileError(f"holds {_RETURN} (byte {done - 1:,}); {_ADVICE[_RETURN]}", code="D025")
    look.lines = lines + (last != b"\n")
    return look


_NUL, _RETURN = "a NUL byte", "a carriage return without a line feed"
_ADVICE = {
    _NUL: "export it again as plain text",
    _RETURN: "expected lines that end in a line feed, and a quoted cell around a carriage return of its own",
}


def _strange(block: bytes, last: bytes, quotes: int) -> tuple[str, int] | None:
    """The first byte of `block` that no sound line holds; `last` is the byte before, `quotes` the number so far."""
    if (nul := block.find(b"\0")) >= 0:
        return _NUL, nul
    if last == b"\r" and not block.startswith(b"\n") and quotes % 2 == 0:
        return _RETURN, -1
    if block.count(b"\r") == block.count(b"\r\n"):
        return None
    for found in re.finditer(rb"\r(?!\n|\Z)", block):
        if (quotes + block.count(b'"', 0, found.start())) % 2 == 0:
            return _RETURN, found.start()
    return None
