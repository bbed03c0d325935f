"""Archives and remote addresses are brought into the cache folder, once, and read from there.

Names within an archive or a listing come from strangers: none may lead out of its folder (CWE-22), and what is
unpacked is bounded (a few kilobytes can claim petabytes, CWE-409).
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from convergent.config import cache_folder
from convergent.types import UserError

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
MAX_MEMBERS = 20_000_000
# Images hardly shrink; deflate shrinks nothing by more than 1,032.
MAX_GROWTH = 200
FREE_GROWTH_BYTES = 2**30
CHUNK_BYTES = 2**20
# OSError: a damaged gzip stream, a full disk. RuntimeError: encrypted. NotImplementedError: a compression unknown here.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    """Return whether the name is that of an archive.

    >>> is_archive(Path("photos.tar.gz")), is_archive(Path("train-images-idx3-ubyte.gz"))
    (True, False)
    """
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def is_remote(address: str) -> bool:
    """Return whether `address` belongs to a file system of fsspec: `s3://bucket/x`, `https://...`, `memory://x`."""
    return "://" in address and not address.startswith("file://")


def unpack(archive: Path) -> Path:
    """Return the folder in the cache with the content of `archive`, unpacked at the first call.

    Raises UserError for a damaged archive, for a member that would leave the folder, and for one that is too large.
    """
    status = archive.stat()
    key = _key(str(archive.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    folder = cache_folder() / "archives" / key
    if not folder.is_dir():
        with _complete_or_nothing(folder) as temporary:
            try:
                _extract(archive, temporary)
            except DAMAGED as error:
                raise UserError(f"{archive}: cannot be unpacked, perhaps it is damaged ({_one_line(error)}).") from None
    return folder


def _extract(archive: Path, folder: Path) -> None:
    """Write the regular files of `archive` into `folder`; links and devices are refused."""
    bound = max(FREE_GROWTH_BYTES, MAX_GROWTH * archive.stat().st_size)
    left = min(bound, int(shutil.disk_usage(folder).free * 0.95))
    members = _zip_members if archive.suffix.lower() == ".zip" else _tar_members
    for number, (name, content) in enumerate(members(archive)):
        target = _inside(folder, name, archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            while chunk := content.read(CHUNK_BYTES):
                left -= len(chunk)
                if left < 0 or number >= MAX_MEMBERS:
                    raise UserError(f"{archive}: unpacked it would be larger than {bound} bytes or the free disk.")
                file.write(chunk)


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if stat.S_ISLNK(member.external_attr >> 16):
                raise UserError(f"{archive}: `{member.filename}` is a link. Pack the files themselves.")
            if not member.is_dir():
                with file.open(member) as content:
                    yield member.filename, content


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as file:
        for member in file:
            if member.isdir():
                continue
            content = file.extractfile(member) if member.isreg() else None
            if content is None:
                raise UserError(f"{archive}: `{member.name}` is a link or a device. Pack the files themselves.")
            yield member.name, content


def _inside(folder: Path, name: str, where: object) -> Path:
    """Return the path of `name` within `folder`; raises UserError where it would leave it."""
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or ":" in relative.parts[0]:
        raise UserError(f"{where}: the member `{name}` leads out of its folder; the archive is not safe.")
    return folder.joinpath(*relative.parts)


def fetch(address: str) -> Path:
    """Return the path in the cache of what lies at a remote `address`, fetched at the first call.

    It is kept by address, size and version tag, so that a changed object is fetched again.
    Raises UserError where nothing lies there, or where the package of the protocol is missing.
    """
    system, root = _file_system(address)
    try:
        files = {name: info for name, info in system.find(root, detail=True).items() if info.get("type") == "file"}
        if not files and system.isfile(root):
            files = {root: system.info(root)}
        if not files:
            raise UserError(f"{address}: there is nothing at this address.")
        folder = cache_folder() / "fetched" / _key(address, *(_version(name, files[name]) for name in sorted(files)))
        if not folder.is_dir():
            with _complete_or_nothing(folder) as temporary:
                _download(system, root, files, temporary, address)
    except OSError as error:
        raise UserError(f"{address}: cannot be fetched ({_one_line(error)}).") from None
    return folder / PurePosixPath(root).name if list(files) == [root] else folder


def _file_system(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UserError(f"{address}: this kind of address cannot be read here ({error}).") from None
    return system, str(root).rstrip("/")


def _download(system: Any, root: str, files: dict[str, Any], folder: Path, address: str) -> None:
    size = sum(int(info.get("size") or 0) for info in files.values())
    if size > shutil.disk_usage(folder).free * 0.95:
        raise UserError(f"{address}: holds {size} bytes, more than is free in {cache_folder()}.")
    for name in files:
        relative = PurePosixPath(root).name if name == root else name.removeprefix(root).lstrip("/")
        target = _inside(folder, relative, address)
        target.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(name, str(target))


def _version(name: str, info: dict[str, Any]) -> str:
    tags = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "created", "generation")
    return f"{name} {[str(info.get(tag)) for tag in tags]}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _key(*parts: object) -> str:
    return hashlib.blake2b("\n".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@contextmanager
def _complete_or_nothing(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `folder` when all went well, and disappears otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        yield temporary
        if not folder.is_dir():
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
