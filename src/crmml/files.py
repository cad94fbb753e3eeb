"""The one door through which results reach the disk.

A folder of results is written under a staged name, its `manifest.json` last,
and then takes the place of the folder it replaces in one step: a reader sees
the old result or the new one, never a part. Manifests hold no clock time, so
the same inputs give the same bytes.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmml.errors import BackendError, BusyError, IntegrityError, NotFoundError

MANIFEST = "manifest.json"
_STAGED = ".staged-"
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_DISK_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.ENOTDIR,
    errno.EEXIST,
}


@dataclass(frozen=True)
class Manifest:
    """What a folder of results was made from and what it holds.

    `inputs` maps a name to the digest of what was read under it; `files` maps a
    file's name to its SHA-256; `rows` maps a file's name to its number of rows.
    """

    kind: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """The digest by which a later stage knows this result."""
        return digest_of({"kind": self.kind, "inputs": dict(self.inputs), "files": dict(self.files)})


def digest_of(value: object) -> str:
    """SHA-256 of a JSON-able value, independent of key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def publish(
    directory: Path,
    *,
    kind: str,
    inputs: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Iterator[Staged]:
    """Write a folder of results so that it appears whole or not at all.

    Yields a `Staged` folder; when the block ends without an error its manifest
    is written, everything is flushed to disk, and it replaces `directory`.

    Raises
    ------
    BackendError
        If the disk is full or the folder cannot be written; the earlier result
        is left as it was.
    """
    directory = Path(directory)
    staging = directory.parent / f".{directory.name}{_STAGED}{os.getpid()}"
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        sweep(directory)
        staging.mkdir()
        staged = Staged(staging)
        yield staged
        files = {
            str(path.relative_to(staging)): digest_file(path) for path in sorted(staging.rglob("*")) if path.is_file()
        }
        manifest = Manifest(kind, dict(inputs or {}), {**(about or {}), **staged.about}, staged.rows, files)
        _write_flushed(staging / MANIFEST, manifest_json(manifest).encode())
        for path in staging.rglob("*"):
            _flush(path)
        _take_place(staging, directory)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise _disk_error(error, directory) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class Staged:
    """A folder of results being written: paths by name, rows counted as they are said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        self.about: dict[str, Any] = {}

    def path(self, name: str, *, rows: int | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if rows is not None:
            self.rows[name] = rows
        return path


def manifest_json(manifest: Manifest) -> str:
    return json.dumps(manifest.__dict__, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest of a folder of results, or None where there is no finished result.

    Raises
    ------
    IntegrityError
        If a manifest is there but cannot be read.
    """
    path = Path(directory) / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            f"{path} is not a readable manifest ({error}); delete the folder and run the stage again", code="M002"
        ) from error


def require_manifest(directory: Path, *, what: str, do: str) -> Manifest:
    """The manifest of a folder that must be there.

    Raises
    ------
    NotFoundError
        Names `what` is missing and what to `do`.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        raise NotFoundError(f"{what} not found in {directory}; {do}", code="M001")
    return manifest


def is_fresh(directory: Path, *, kind: str, inputs: Mapping[str, str]) -> bool:
    """Whether the folder holds a whole result made from exactly these inputs.

    The files are named by the manifest and compared by their digests, so a file
    that was edited by hand is made anew.
    """
    manifest = read_manifest(directory)
    if manifest is None or manifest.kind != kind or dict(manifest.inputs) != dict(inputs):
        return False
    folder = Path(directory)
    return all((folder / name).is_file() and digest_file(folder / name) == sha for name, sha in manifest.files.items())


def verify(directory: Path, *, what: str) -> Manifest:
    """Check every file of a folder against its manifest before anything parses one.

    Raises
    ------
    NotFoundError
        If there is no manifest.
    IntegrityError
        If a file is missing, was changed, or was added.
    """
    folder = Path(directory)
    manifest = require_manifest(folder, what=what, do="the write was not finished, or the folder was moved")
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    strange = sorted(present ^ set(manifest.files))
    if strange:
        raise IntegrityError(f"{what}: {strange[0]} is missing or was not written by crmml; restore it", code="M002")
    for name, expected in manifest.files.items():
        found = digest_file(folder / name)
        if found != expected:
            raise IntegrityError(
                f"{what}: {name} has SHA-256 {found[:12]}…, expected {expected[:12]}…; "
                "it was changed after it was written and is refused, restore it or train again",
                code="M002",
            )
    return manifest


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write one file so that it appears whole or not at all."""
    path = Path(path)
    staged = path.parent / f".{path.name}{_STAGED}{os.getpid()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(staged, data.encode() if isinstance(data, str) else data)
        os.replace(staged, path)
        _flush(path.parent)
    except OSError as error:
        raise _disk_error(error, path) from error
    finally:
        staged.unlink(missing_ok=True)


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """A temporary name for a library to write to; it takes the place of `path` when the block ends well."""
    path = Path(path)
    staged = path.parent / f".{path.stem}{_STAGED}{os.getpid()}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield staged
        _flush(staged)
        os.replace(staged, path)
        _flush(path.parent)
    except OSError as error:
        raise _disk_error(error, path) from error
    finally:
        staged.unlink(missing_ok=True)


def append_line(path: Path, line: str) -> None:
    """Append one line and flush it to disk (an append-only log)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        file.write(line.rstrip("\n").encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def drop_torn_line(path: Path) -> None:
    """Remove what a crash left of the last line of an append-only log, so that the next one begins cleanly."""
    path = Path(path)
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with open(path, "r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())


@contextmanager
def lock(path: Path, *, what: str) -> Iterator[None]:
    """Hold an exclusive lock that the system releases when the process dies.

    Raises
    ------
    BusyError
        At once, naming the holder, if another process holds it.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed below, the lock lives as long
    except OSError as error:
        raise _disk_error(error, path) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise BusyError(
                f"{what} is in use by {holder}; expected to be alone. Wait until it ends, or stop it", code="L006"
            ) from error
        handle.seek(0)
        handle.truncate()
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:120]
        handle.write(f"process {os.getpid()} ({command})")
        handle.flush()
        yield


def _write_flushed(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_place(staging: Path, directory: Path) -> None:
    if not directory.exists():
        os.rename(staging, directory)
    elif not _exchange(staging, directory):
        # Without an atomic exchange the old folder steps aside first; `sweep` puts it back after a crash.
        aside = directory.parent / f".{directory.name}.old"
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(directory, aside)
        os.rename(staging, directory)
        shutil.rmtree(aside, ignore_errors=True)
    _flush(directory.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, where the system can."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    if ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))


def sweep(directory: Path) -> None:
    """Remove what a killed run left behind, and put back a result it had set aside."""
    aside = directory.parent / f".{directory.name}.old"
    if aside.exists() and not directory.exists():
        os.rename(aside, directory)
    for left in directory.parent.glob(f".{directory.name}{_STAGED}*"):
        if not _is_running(int(left.name.rsplit("-", 1)[1])):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()


def _disk_error(error: OSError, path: Path) -> BackendError:
    free = ""
    if error.errno == errno.ENOSPC:
        free = f", {shutil.disk_usage(_nearest(path)).free / 2**20:.0f} MiB free"
    return BackendError(
        f"cannot write {path}: {error.strerror or error}{free}; the earlier result is untouched. "
        "Free space or fix the permissions, then run again",
        code="L004",
    )


def _nearest(path: Path) -> Path:
    return next(parent for parent in [path, *path.parents] if parent.exists())
