# SPDX-License-Identifier: Apache-2.0
"""A network is converted in a process of its own, and where that fails in this one: the first start restores, too."""

import functools
import os
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from restoregan_core.runtimes.openvino_conversion import ConversionError, convert_elsewhere

pytest.importorskip("openvino", reason="OpenVINO converts")

START = """
import logging, sys
from pathlib import Path
import numpy as np
from restoregan_core import load_restorer
logging.basicConfig(level=logging.WARNING)
{}
restorer = load_restorer(sys.argv[1], runtime="openvino", engine_dir=sys.argv[2])
assert restorer(np.zeros((16, 16, 3), np.uint8)).shape == (16, 16, 3)
print("torch" in sys.modules)
"""


NOISY = "print('a library prints') or __import__('torch').nn.Flatten()"


def test_what_comes_back_is_the_network_whatever_is_printed_meanwhile() -> None:
    with zipfile.ZipFile(BytesIO(convert_elsewhere(functools.partial(eval, NOISY), (1, 2, 2)))) as archive:
        assert archive.namelist() == ["model.xml", "model.bin"]
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("make_network", "why"),
    [
        (functools.partial(os._exit, 3), "ended with 3"),
        (functools.partial(os.kill, 0, 9), "ended with -9"),
        (functools.partial(int, "x"), "ended with 1: ValueError: invalid literal"),
        (lambda: None, "in a process of its own: "),
    ],
)
def test_what_goes_wrong_there_is_one_line(make_network, why: str) -> None:
    with pytest.raises(ConversionError) as raised:
        convert_elsewhere(make_network, (1, 2))
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there it has a session of its own")
def test_it_gets_its_share_of_the_cpu_with_the_process_that_waits_for_it_but_not_its_ctrl_c() -> None:
    where = "int('session %d of group %d' % (__import__('os').getsid(0), __import__('os').getpgrp()))"
    with pytest.raises(ConversionError) as raised:
        convert_elsewhere(functools.partial(eval, where), (1, 2))
    assert f"session {os.getsid(0)} of" in str(raised.value)
    assert f"of group {os.getpgrp()}" not in str(raised.value)


def test_what_never_ends_is_ended() -> None:
    with pytest.raises(ConversionError, match=r"took over 0\.5 s"):
        convert_elsewhere(functools.partial(time.sleep, 3600), (1, 2), most_s=0.5)


def test_a_start_whose_other_process_fails_converts_by_itself(tmp_path: Path) -> None:
    from restoregan_core.models.generator import Generator, GeneratorConfig
    from restoregan_core.zoo import save_generator

    weights = tmp_path / "tiny.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), weights, {})
    program = START.format("sys.executable = '/bin/false'")
    done = subprocess.run(
        [sys.executable, "-c", program, str(weights), str(tmp_path / "cache")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert "converting for OpenVINO here, where torch stays in memory" in line
    assert list((tmp_path / "cache").glob("*.engine"))
