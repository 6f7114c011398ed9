# SPDX-License-Identifier: Apache-2.0
"""A real network through each runtime of the machine, also where its engine or its weights file is damaged."""

import array

import numpy as np
import pytest
from restoregan_ros.msg import RestorationReport as Report
from ros_probe import image_message, pixels_of, values, wait_until

from restoregan_core.loading import load_pipeline
from restoregan_ros.parameters import NodeSettings
from restoregan_ros.pipeline_setup import warm_up


@pytest.fixture
def shaken_lite(tmp_path):
    """Weights that change every image."""
    import torch

    from restoregan_core.zoo import build_generator, save_generator

    torch.manual_seed(0)
    generator = build_generator("lite")
    for parameter in generator.parameters():
        parameter.data += 0.01 * torch.randn_like(parameter)
    save_generator(generator, tmp_path / "shaken.safetensors", {})
    return tmp_path / "shaken.safetensors"


def assert_restores(probe, seed: int) -> None:
    sent = image_message(90, 130)
    sent.header.stamp.nanosec = seed
    sent.data = array.array("B", np.full(len(sent.data), 90, np.uint8).tobytes())
    image, report = probe.exchange(sent)
    assert report.action == Report.ACTION_RESTORED, report
    assert report.model.startswith("shaken-")
    assert (image.height, image.width, image.encoding) == (90, 130, "bgr8")
    assert image.data != sent.data
    assert np.abs(pixels_of(image).astype(int) - 90).max() <= 128


def test_every_runtime_of_the_machine_restores_what_is_sent_even_if_its_engine_is_damaged(
    start_node, make_probe, tmp_path, shaken_lite
):
    """Shapes, colours and sizes through real runtimes."""
    engines = tmp_path / "engines"
    # Made here, where torch is imported: a node would convert each network in a process that imports it again.
    pipeline = load_pipeline(shaken_lite, runtime="openvino", engine_dir=engines)
    warm_up(pipeline, NodeSettings(warm_up_sizes=("96x128",)))
    kept = sorted(path for path in engines.iterdir() if path.suffix != ".json")
    assert [path.name.partition("-")[0] for path in kept] == ["compiled"] * 2 + ["openvino"] * 2
    given = {
        "model": shaken_lite, "preset": "always", "deadline_ms": 60_000.0, "hang_timeout_s": 120.0,
        "warm_up_sizes": "['96x128']", "engine_dir": engines,
    }  # fmt: skip
    start_node(namespace="torch", runtime="torch", **given).wait_for_log("by torch").wait_active()
    assert_restores(make_probe(namespace="torch").wait_connected(), 1)

    for engine in kept:
        engine.write_bytes(engine.read_bytes()[:1000])
    node = start_node(namespace="damaged", runtime="openvino", **given).wait_active()
    assert all(f"{made} for OpenVINO again" in node.log for made in ("converting", "compiling"))
    assert_restores(make_probe(namespace="damaged").wait_connected(), 2)


def test_frames_pass_when_a_network_is_needed_again_whose_file_was_replaced(
    start_node, make_probe, tmp_path, shaken_lite
):
    """Compiled for one size it runs on; another needs the weights, for what was made of them is damaged, too."""
    engines = tmp_path / "engines"
    pipeline = load_pipeline(shaken_lite, runtime="openvino", engine_dir=engines, assessor="classical")
    warm_up(pipeline, NodeSettings(warm_up_sizes=("90x130",)))
    node = start_node(
        runtime="openvino", model=shaken_lite, assessor="classical", preset="always", deadline_ms=60_000.0,
        hang_timeout_s=120.0, warm_up_sizes="['90x130']", engine_dir=engines,
    ).wait_active()  # fmt: skip
    probe = make_probe().wait_connected()
    shaken_lite.write_bytes(shaken_lite.read_bytes()[:-1])
    for engine in engines.glob("openvino-*.engine"):
        engine.write_bytes(b"")

    sent = image_message(200, 180)
    image, report = probe.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_RUNTIME_FAULT)
    said = f"{shaken_lite} is not a safetensors file"
    node.wait_for_log(f"restoration failed: {said}")
    assert "put the same file back, or start again" in node.log
    assert_restores(probe, 1)

    def tells():
        status = probe.diagnostic("camera stream")
        return status and values(status).get("last_failure.RUNTIME_FAULT")

    assert wait_until(tells, what="diagnostics").startswith(f"restorer: {said}")
    assert node.is_running()
