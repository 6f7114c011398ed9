# SPDX-License-Identifier: Apache-2.0
"""A network converted for OpenVINO in a process of its own: that takes torch, which would keep 190 MB of this one."""

import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoregan_core.runtimes.openvino_library import import_openvino

if TYPE_CHECKING:
    from torch import nn

MOST_S = 300.0
"""It takes some seconds, on a machine with too much to do a minute."""
OUT_OF_THE_TERMINALS_GROUP: dict[str, Any] = (
    {"process_group": 0} if sys.version_info >= (3, 11) else {"start_new_session": True}
)
"""A Ctrl-C is for this process, which says what becomes of it. In a session of its own Linux would give the other
process a share of the CPU of its own too, whatever the priority of this one, which waits for it."""


class ConversionError(RuntimeError):
    """No converted network came of it; the message is one line that says why."""


def convert(network: "nn.Module", traced: tuple[int, ...]) -> Any:
    """An ``openvino.Model`` of a network.

    Args:
        network: takes one uint8 array; in eval mode, on the CPU, in float32.
        traced: shape of the array that it is traced with.
    """
    import torch

    with torch.no_grad():
        return import_openvino().convert_model(network, example_input=torch.zeros(traced, dtype=torch.uint8))


def convert_elsewhere(
    make_network: "Callable[[], nn.Module]", traced: tuple[int, ...], most_s: float = MOST_S
) -> bytes:
    """The same as the bytes of a file that ``write_model`` would write.

    Args:
        make_network: called in the other process, to which it is sent by pickle.
        traced: as for ``convert``.
        most_s: after so many seconds the other process is ended.

    Raises:
        ConversionError: the other process did not start, failed, was killed or took too long, or ``make_network``
            cannot be sent.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=pickle.dumps((make_network, traced)),
            capture_output=True,
            timeout=most_s,
            check=False,
            **OUT_OF_THE_TERMINALS_GROUP,
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionError(f"a process of its own took over {most_s:g} s") from error
    except (OSError, pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConversionError(f"in a process of its own: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConversionError(
            f"a process of its own ended with {done.returncode}: {said[-1] if said else ''}"
        )
    return done.stdout


def write_model(model: Any, path: Path) -> None:
    """OpenVINO's two files in one archive."""
    xml, weights = path.with_name(path.name + ".xml"), path.with_name(path.name + ".bin")
    # As atomic_write does: if one were a link, OpenVINO would write where it leads.
    for file in (xml, weights):
        file.unlink(missing_ok=True)
    try:
        import_openvino().save_model(model, xml, compress_to_fp16=False)
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(xml, "model.xml")
            archive.write(weights, "model.bin")
    finally:
        xml.unlink(missing_ok=True)
        weights.unlink(missing_ok=True)


def main() -> None:
    """The other process: what to convert comes from standard input, from the process that started this one."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # whatever a library prints is not part of the answer
        make_network, traced = pickle.load(sys.stdin.buffer)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "network")
            write_model(convert(make_network(), traced), file)
            answer.write(file.read_bytes())


if __name__ == "__main__":
    main()
