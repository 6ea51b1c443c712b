"""Durable writes of whole files, appended lines, strict JSON; setting unreadable files aside."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from store import faults
from store.errors import AlreadyExists, NotFound, StoreError, Unreadable
from store.times import utc_now

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def reporting(operation: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``StoreError`` that names operation and path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot {operation}: {reason}", path=path, operation=operation) from error


# -- JSON


def dump_json(document: object, *, indent: int | None = 2) -> bytes:
    """Write a document as the state files have it: two spaces, raw non-ASCII, no final newline.

    NaN and infinity become null, lone surrogates U+FFFD. ``indent=None`` gives one compact line.
    """
    separators = (",", ":") if indent is None else (",", ": ")

    def encode(value: object) -> str:
        return json.dumps(
            value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
        )

    try:
        text = encode(document)
    except ValueError:
        text = encode(_finite(document))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value


def parse_json(data: bytes, path: Path) -> object:
    """Read JSON liberally: a byte order mark is accepted, of duplicate keys the last one counts.

    Raises:
        Unreadable: no JSON, with the byte offset where that shows.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"not UTF-8 (byte {error.start})", path=path, offset=error.start
        ) from error
    if not text:
        raise Unreadable("the file is empty", path=path, offset=0)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated") or not text[error.pos :].strip():
            raise Unreadable(
                f"JSON ends at byte {len(data)}", path=path, offset=len(data)
            ) from error
        offset = len(data) - len(text.encode()) + len(text[: error.pos].encode())
        raise Unreadable(
            f"not JSON: {error.msg} (byte {offset})", path=path, offset=offset
        ) from error
    except (RecursionError, ValueError) as error:  # too deep; a number of thousands of digits
        raise Unreadable(f"not JSON we can read: {error}", path=path) from error


def read_file(path: Path) -> bytes:
    """Read a regular file whole, without ever waiting for a FIFO.

    Raises:
        NotFound: nothing has that name.
        Unreadable: something is there and it cannot be read as a file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise Unreadable("a symbolic link to nothing", path=path) from error
        raise NotFound("no such file", path=path, operation="read") from error
    except OSError as error:
        raise Unreadable(f"cannot open: {error.strerror}", path=path) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("not a regular file", path=path)
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return file.read()
    except OSError as error:
        raise Unreadable(f"cannot read: {error.strerror}", path=path) from error
    finally:
        os.close(descriptor)


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        NotFound: nothing has that name.
        Unreadable: something else is there.
    """
    document = parse_json(read_file(path), path)
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object", path=path, offset=0)
    return document


# -- writing


def replace_file(
    path: Path,
    data: bytes,
    *,
    sync: bool = False,
    sync_directory: bool = False,
    link_to: Path | None = None,
    fault: str = "",
) -> None:
    """Replace a file whole, mode 0600: readers see the old content or the new, never a mixture.

    Args:
        path: the target; a regular file or nothing yet.
        data: its new content.
        sync: fsync the content before the rename.
        sync_directory: fsync the directory after it.
        link_to: also give the new content this second name, before the rename.
        fault: prefix of fault points of the caller's own, besides ``atomic.temp`` and
            ``atomic.rename``: ``{fault}.temp``, ``{fault}.linked``, ``{fault}.renamed``.

    Raises:
        StoreError: it could not be done; the target is as before and no temporary file is left.
    """
    temp = path.parent / f".{path.name}.tmp"
    with reporting("write", path):
        _refuse_irregular(path)
        try:
            _write_temp(temp, data, sync=sync, fault=fault)
            if link_to is not None:
                _second_name(temp, link_to, data)
                faults.point(f"{fault}.linked")
            faults.point("atomic.rename")
            temp.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temp.unlink()
            raise
        faults.point(f"{fault}.renamed")
        if sync_directory:
            _sync_directory(path.parent)


def create_file(path: Path, data: bytes, *, fault: str = "") -> None:
    """Create a file whole and durably, or not at all.

    Raises:
        AlreadyExists: the name is taken.
        StoreError: it could not be written; nothing is left.
    """
    temp = path.parent / f".{path.name}.tmp"
    with reporting("create", path):
        try:
            _write_temp(temp, data, sync=True, fault=fault)
            try:
                os.link(temp, path)
            except FileExistsError as error:
                raise AlreadyExists("exists already", path=path, operation="create") from error
            except OSError:  # a file system without hard links
                if os.path.lexists(path):
                    raise AlreadyExists("exists already", path=path, operation="create") from None
                temp.rename(path)
        finally:
            with contextlib.suppress(OSError):
                temp.unlink()
        faults.point(f"{fault}.created")
        _sync_directory(path.parent)


def append_line(path: Path, line: bytes, *, sync: bool = False) -> None:
    """Append one line in one write; after a torn line of the past it starts a new one.

    Raises:
        StoreError: it could not be written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with reporting("append", path):
        faults.point("atomic.append")
        descriptor = os.open(path, flags, _FILE_MODE)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            whole = (b"\n" if torn else b"") + line + b"\n"
            if os.write(descriptor, whole) != len(whole):
                raise OSError(errno.ENOSPC, "only a part of the line was written")
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it that are missing, mode 0700 whatever the umask.

    Another process may remove it at once: whoever makes a file in it has to do with that.

    Raises:
        StoreError: it could not be made, or something else has the name.
    """
    with reporting("make directory", path):
        _make_directory(path)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(_DIRECTORY_MODE)
    except FileExistsError:
        if os.path.lexists(path) and not path.is_dir():
            raise
        return
    except FileNotFoundError:
        if path.parent == path:
            raise
        _make_directory(path.parent)
        _make_directory(path)
        return
    with contextlib.suppress(FileNotFoundError):
        path.chmod(_DIRECTORY_MODE)
    _sync_directory(path.parent)


def set_aside(path: Path, *, now: datetime | None = None) -> Path:
    """Rename something that is in the way to ``{name}.corrupt-{stamp}`` and return its new path.

    Raises:
        StoreError: it could not be renamed.
    """
    stamp = (now or utc_now()).strftime("%Y%m%dT%H%M%S%f")
    aside = path.parent / f"{path.name}.corrupt-{stamp}Z"
    with reporting("set aside", path):
        path.rename(aside)
    return aside


def remove_leftovers(directory: Path, name: str | None = None) -> None:
    """Remove temporary files a killed writer left; only for the one writer of these files.

    Args:
        directory: where to look; it need not exist.
        name: only the left-over of this file.
    """
    with contextlib.suppress(OSError):
        if name is not None:
            (directory / f".{name}.tmp").unlink()
            return
        for path in directory.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        StoreError: the system refused.
    """
    with reporting("sync", path):
        _sync_directory(path)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_irregular(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise StoreError("not a regular file", path=path, operation="write")


def _write_temp(temp: Path, data: bytes, *, sync: bool, fault: str) -> None:
    try:
        descriptor = os.open(temp, _NEW_FILE, _FILE_MODE)
    except FileExistsError:
        # Never truncate a left-over: it may share its inode with a file that already has its name.
        temp.unlink()
        descriptor = os.open(temp, _NEW_FILE, _FILE_MODE)
    try:
        os.fchmod(descriptor, _FILE_MODE)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        faults.point("atomic.temp")
        if fault:
            faults.point(f"{fault}.temp")
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _second_name(temp: Path, second: Path, data: bytes) -> None:
    try:
        os.link(temp, second)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        copy = second.parent / f".{second.name}.tmp"
        _write_temp(copy, data, sync=False, fault="")
        copy.rename(second)
