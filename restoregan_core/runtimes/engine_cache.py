# SPDX-License-Identifier: Apache-2.0
"""Compiled networks on disk: each with a manifest that says what it is, for whom, and its SHA-256.

An engine is machine code for one set of weights on one device with one set of library versions. It is read
only if its manifest says exactly what is wanted and the file's hash is the one in the manifest; anything else
is a line in the log and the next runtime.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from restoregan_core.documents import build, parse_json
from restoregan_core.files import atomic_write

MANIFEST_SUFFIX = ".json"

EngineKey = dict[str, str]
"""What an engine was built from and for: every entry must agree. Always holds ``runtime`` and ``weights``."""


@dataclass(frozen=True)
class _Manifest:
    sha256: str
    bytes: int
    key: EngineKey


class EngineError(RuntimeError):
    """An engine file cannot be used; the message is one line that says which and why."""


def engine_directory() -> Path:
    """Where engines live by default: ``$XDG_CACHE_HOME/restoregan``, or ``~/.cache/restoregan``."""
    return platformdirs.user_cache_path("restoregan")


def default_path(key: EngineKey, directory: Path) -> Path:
    """A file name that differs whenever the key does."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return directory / f"{key['runtime']}-{digest[:24]}.engine"


def manifest_path(engine: Path) -> Path:
    return engine.with_name(engine.name + MANIFEST_SUFFIX)


def write_engine(path: Path, key: EngineKey, write: Callable[[Path], object]) -> None:
    """Let ``write`` make the file, then put engine and manifest in place; a reader never sees half of one.

    Args:
        path: of the engine; its directory is made.
        write: given a temporary path beside ``path``, which it must create.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The engine, written in the inner block, is in place first: between the two a reader sees a hash that does not
    # match, and refuses.
    with (
        atomic_write(manifest_path(path), is_shared=True) as temporary_manifest,
        atomic_write(path, keep_suffix=True, is_shared=True) as temporary,
    ):
        write(temporary)
        manifest = {"sha256": _file_digest(temporary), "bytes": temporary.stat().st_size, "key": key}
        temporary_manifest.write_text(json.dumps(manifest, indent=2) + "\n")


def verify_engine(path: Path, key: EngineKey) -> None:
    """Check that the engine at ``path`` is whole and is the one for ``key``.

    Raises:
        EngineError: missing, without a readable manifest, truncated or altered, or built for something else.
    """
    if not path.is_file():
        raise EngineError(f"engine {path} does not exist")
    try:
        manifest = _read_manifest(manifest_path(path))
    except (OSError, ValueError) as error:
        raise EngineError(f"engine {path} has no readable manifest beside it") from error
    stored_key = manifest.key
    for entry in sorted(set(key) | set(stored_key)):
        if stored_key.get(entry) != key.get(entry):
            raise EngineError(
                f"engine {path} was built for {entry} {stored_key.get(entry)}, needed is {key.get(entry)}"
            )
    if _file_digest(path) != manifest.sha256:
        raise EngineError(f"engine {path} is truncated or altered: its SHA-256 is not the manifest's")
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(path)  # what is in use is not what ``keep_newest`` should remove


def find_engine(directory: Path, key: EngineKey) -> Path:
    """The engine for ``key`` in ``directory``, whatever its name, verified.

    Raises:
        EngineError: none, or it cannot be used; where the weights agree, the message says what differs.
    """
    refusals: list[str] = []
    for manifest in sorted(directory.glob(f"*{MANIFEST_SUFFIX}")):
        engine = manifest.with_name(manifest.name.removesuffix(MANIFEST_SUFFIX))
        try:
            verify_engine(engine, key)
        except EngineError as error:
            try:
                stored = _read_manifest(manifest).key
                related = all(stored.get(entry) == key[entry] for entry in ("runtime", "weights"))
            except (OSError, ValueError):
                related = manifest == manifest_path(default_path(key, directory))
            if related:
                refusals.append(str(error))
        else:
            return engine
    raise EngineError(refusals[0] if refusals else f"no engine for these weights in {directory}")


def keep_newest(directory: Path, runtime: str, count: int) -> None:
    """Remove all but the ``count`` engines last written or used, of a runtime that rebuilds its own within seconds."""
    engines = sorted(
        directory.glob(f"{runtime}-*.engine"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for engine in engines[count:]:
        manifest_path(engine).unlink(missing_ok=True)
        engine.unlink(missing_ok=True)


def _read_manifest(file: Path) -> _Manifest:
    """Raises ValueError for a file that does not say what a manifest says, and OSError."""
    return build(_Manifest, parse_json(file.read_bytes(), f"{file}"), f"{file}")


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
