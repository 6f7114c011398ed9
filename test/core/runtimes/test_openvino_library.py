# SPDX-License-Identifier: Apache-2.0
"""OpenVINO's telemetry, which would be on where nobody has opted out, is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openvino", reason="this is about it")

ROOT = Path(__file__).resolve().parents[3]
CONVERT = """
import functools, os
os.register_at_fork(before=lambda: print("forked"))
from restoregan_core.runtimes import openvino_conversion
make_network = functools.partial(eval, "__import__('torch').nn.Flatten()")
"""


@pytest.mark.parametrize(
    "where",
    [
        "openvino_conversion.convert(make_network(), (1, 2, 2))",
        "openvino_conversion.convert_elsewhere(make_network, (1, 2, 2))",
    ],
)
def test_a_conversion_forks_nothing_and_leaves_nothing_in_the_home_folder(where: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", CONVERT + where],
        env={**environment, "HOME": str(tmp_path)}, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, list(tmp_path.iterdir())) == ("", [])


def test_the_converter_is_loaded_where_something_is_converted_and_not_before() -> None:
    program = """
import sys, torch
from restoregan_core.runtimes.openvino_library import import_openvino
library = import_openvino()
assert "openvino.tools.ovc" not in sys.modules
import openvino  # as somebody else in the process does, who is to miss nothing
assert len(openvino.convert_model(torch.nn.Flatten(), example_input=torch.zeros(1, 2)).outputs) == 1
assert openvino.convert_model.__module__.startswith("openvino.tools.ovc")
from openvino.tools.ovc import convert_model
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
