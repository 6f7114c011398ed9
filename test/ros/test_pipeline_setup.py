# SPDX-License-Identifier: Apache-2.0
"""What the node does in configure, without a node."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURE = """
import sys
import cv2
import numpy as np
import rclpy
import restoregan_ros.restore_node
from restoregan_ros.parameters import NodeSettings
from restoregan_ros.pipeline_setup import open_pipeline, warm_up

settings = NodeSettings(runtime="openvino", threads=1, warm_up_sizes=("72x96",), engine_dir=sys.argv[1])
pipeline = open_pipeline(settings)
warm_up(pipeline, settings)
frame_HWC = np.full((72, 96, 3), 128, np.uint8)
for mode in ("restore", "monitor"):
    pipeline.process(frame_HWC, restore=mode == "restore")
print(cv2.getNumThreads(), "torch" in sys.modules)
"""


@pytest.mark.timeout(1200)  # two networks are converted, each in a process that imports torch
def test_the_node_imports_no_torch_with_engines_in_the_cache_or_without_and_its_threads_are_bounded(
    tmp_path: Path,
) -> None:
    pytest.importorskip("openvino", reason="without OpenVINO it is torch that runs the networks")
    ran = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", CONFIGURE, tmp_path], capture_output=True, text=True, check=True
        )
        ran.append(done.stdout.split()[-2:])
        assert list(tmp_path.glob("*.engine")), "converted by another process at the first start"
    assert ran == [["1", "False"]] * 2
