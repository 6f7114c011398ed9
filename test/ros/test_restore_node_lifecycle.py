# SPDX-License-Identifier: Apache-2.0
"""Lifecycle, parameters at start and at run time, signals, sim time, compressed sources, diagnostics."""

import array
import signal
import time

import cv2
import numpy as np
import pytest
from claims import jpeg_claiming, png_claiming
from obedient_node import Command
from rclpy.qos import DurabilityPolicy, QoSProfile
from restoregan_ros.msg import RestorationReport as Report
from ros_probe import commanded, image_message, pixels_of, values, wait_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage

from restoregan_core.restoration.gate import DEFAULT_PRESET

OBEDIENT = "obedient_node"
PATIENT = {"module": OBEDIENT, "deadline_ms": 5000.0}


@pytest.fixture(scope="module")
def node(start_shared_node):
    return start_shared_node(**PATIENT).wait_active()


@pytest.fixture(scope="module")
def probe(node, make_shared_probe):
    return make_shared_probe().wait_connected()


def test_off_threshold_above_on_is_refused_with_a_reason_and_nothing_changes(probe):
    accepted, reason = probe.set_parameters(blur_on_threshold=0.3, blur_off_threshold=0.5)
    assert not accepted
    assert "blur_off" in reason
    assert "0.5" in reason
    accepted, _ = probe.set_parameters(blur_on_threshold=0.3, blur_off_threshold=0.2)
    assert accepted
    probe.must_set(blur_on_threshold=-1.0, blur_off_threshold=-1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "maybe"),
        ("preset", "bold"),
        ("deadline_ms", -1.0),
        ("deadline_ms", 60_000.0),
        ("max_pixel_change", 256),
        ("camera__priority", 0),
        ("rain_on_threshold", float("nan")),
        ("model", "paper"),
        ("cameras", ["other"]),
        ("enabled", "yes"),
    ],
)
def test_impossible_values_are_refused_with_a_reason(probe, name, value):
    accepted, reason = probe.set_parameters(**{name: value})
    assert not accepted
    assert reason


def test_thresholds_take_effect_at_the_next_frame(probe):
    sent = commanded(Command.RESTORE)
    probe.must_set(blur_on_threshold=0.97)
    assert probe.exchange(sent)[1].action == Report.ACTION_PASSED_THROUGH
    probe.must_set(blur_on_threshold=-1.0)
    assert probe.exchange(sent)[1].action == Report.ACTION_RESTORED
    probe.must_set(preset="off")
    assert probe.exchange(sent)[1].reason == Report.REASON_DISABLED
    probe.must_set(preset="always")
    assert probe.exchange(commanded(Command.RESTORE, is_clean=True))[1].action == Report.ACTION_RESTORED
    probe.must_set(preset="balanced")


def test_blur_alone_is_reported_and_left_as_it_is_by_default(probe):
    probe.must_set(preset=DEFAULT_PRESET)
    try:
        image, report = probe.exchange(sent := commanded(Command.RESTORE))
        assert image == sent
        assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_NONE)
        assert report.blur_probability == pytest.approx(0.95)
    finally:
        probe.must_set(preset="balanced")


def test_diagnostics_tell_rate_latency_failures_blur_and_runtime_and_name_the_camera(probe):
    probe.exchange(commanded(Command.RAISE))
    for _ in range(5):
        probe.exchange(commanded(Command.RESTORE))

    def complete():
        probe.exchange(commanded(Command.RESTORE))
        stream, blur, rain = (probe.diagnostic(f"camera {kind}") for kind in ("stream", "blur", "rain"))
        has_counted = stream and values(stream).get("failed_open.RUNTIME_FAULT")
        return has_counted and values(blur)["probability"] == "0.950" and (stream, blur, rain)

    stream, blur, rain = wait_until(complete, what="diagnostics")
    assert float(values(stream)["published_hz"]) > 0
    assert 0 < float(values(stream)["latency_p50_ms"]) <= float(values(stream)["latency_max_ms"])
    assert blur.level == b"\x02"
    assert rain.level == b"\x00"
    network = probe.diagnostic(": network")
    assert (values(network)["state"], values(network)["runtime"]) == ("active", "obedience")
    assert network.hardware_id == "restore_node"
    assert {status.hardware_id for status in (stream, blur, rain)} == {"camera"}


def test_a_publisher_that_is_gone_is_shown_by_the_age_of_its_last_frame(probe):
    probe.exchange(commanded(Command.RESTORE))
    stale = wait_until(
        lambda: (s := probe.diagnostic("camera stream")) and s.level == b"\x03" and s, what="a stale camera"
    )
    assert "no frame for" in stale.message

    def is_back() -> bool:  # diagnostics come once a second, and a frame is stale after one
        probe.exchange(commanded(Command.RESTORE))
        return probe.diagnostic("camera stream").level != b"\x03"

    wait_until(is_back, what="a camera that is back")


def test_lifecycle_can_be_gone_through_again_and_again(start_node, make_probe):
    start_node(**PATIENT, namespace="cycle", autostart=False).wait_for_log("")
    probe = make_probe(namespace="cycle")
    assert probe.state() == "unconfigured"
    for _ in range(3):
        assert probe.transition("configure")
        assert probe.source.get_subscription_count() == 0
        assert probe.transition("activate")
        probe.wait_connected()
        assert probe.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED
        assert probe.transition("deactivate")
        wait_until(lambda: probe.source.get_subscription_count() == 0, what="the subscription's end")
        assert probe.transition("activate")
        probe.wait_connected()
        _, report = probe.exchange(commanded(Command.RESTORE))
        assert report.frames_superseded == 0
        assert probe.transition("deactivate")
        assert probe.transition("cleanup")
        assert probe.state() == "unconfigured"
        wait_until(lambda: probe.node.count_publishers("camera/restored/report") == 0, what="publishers gone")


def test_configure_that_fails_says_why_in_one_line_and_leaves_the_node_unconfigured(start_node, make_probe):
    node = start_node(module=OBEDIENT, namespace="broken", model="missing")
    node.wait_for_log("cannot configure")
    probe = make_probe(namespace="broken")
    assert probe.state() == "unconfigured"
    assert not probe.transition("configure")
    assert probe.state() == "unconfigured"
    lines = [line for line in node.log.splitlines() if "cannot configure" in line]
    assert len(lines) == 2
    assert "no model named 'missing'" in lines[0]
    assert "Traceback" not in node.log
    assert node.is_running()


@pytest.mark.parametrize(
    ("reached_by", "refused"),
    [
        ([], "activate"),
        (["configure"], "configure"),
        (["configure", "activate"], "activate"),
        (["configure", "activate"], "cleanup"),
    ],
)
def test_a_transition_that_is_not_allowed_is_answered_and_changes_nothing(
    start_node, make_probe, reached_by, refused
):
    space = "_".join(["refused", *reached_by, refused])
    node = start_node(**PATIENT, namespace=space, autostart=False)
    probe = make_probe(namespace=space)
    for label in reached_by:
        assert probe.transition(label)
    before = probe.state()
    assert not probe.transition(refused)
    assert not probe.transition_by_id(99)
    assert probe.state() == before
    # We say so where rclpy raises, as Jazzy's does; Kilted's answers and says so itself.
    assert "was refused" in node.log or "Unable to start transition" in node.log
    node.signal(signal.SIGTERM)
    assert node.wait_exit() == 0
    assert "Traceback" not in node.log


def test_activation_that_fails_says_why_and_leaves_a_node_that_can_be_shut_down(start_node, make_probe):
    override = "qos_overrides./half/left/image_raw.subscription.reliability"
    node = start_node(**PATIENT, namespace="half", cameras="[front,left]", **{override: "sometimes"})
    node.wait_for_log("cannot activate")
    probe = make_probe("front", namespace="half")
    assert probe.state() == "inactive"
    wait_until(lambda: probe.diagnostic(": network"), what="diagnostics")
    assert probe.diagnostic("front stream") is None, "no camera is active"
    assert probe.source.get_subscription_count() == 0
    node.signal(signal.SIGTERM)
    assert node.wait_exit() == 0
    assert "Traceback" not in node.log


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"cameras": "[a,a]"}, "every name may appear once"),
        ({"cameras": "['no blanks']"}, "give at least one name"),
        ({"blur_on_threshold": 0.1}, "blur_off"),
        ({"cameras": "[]"}, "give at least one name"),
        ({"deadline_ms": "soon"}, "deadline_ms"),
        ({"deadline_ms": 50}, "write the number with a point, as 50.0"),
        ({"deadline_ms": "[]"}, "deadline_ms has no value"),
        ({"preset": "off"}, "put the text in quotes"),
        ({"enabled": 1}, "write it like its default, true"),
        ({"max_pixel_change": 999}, "max_pixel_change"),
    ],
)
def test_invalid_parameters_end_the_node_at_start_with_one_line(start_node, parameters, complaint):
    node = start_node(module=OBEDIENT, **parameters)
    assert node.wait_exit() == 2
    assert complaint in node.log
    assert "Traceback" not in node.log


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 2, [signal.SIGTERM] * 2]
)
def test_signals_end_the_node_with_code_0_while_frames_flow(start_node, make_probe, signals):
    space = "stop_" + "_".join(str(int(number)) for number in signals)
    node = start_node(module=OBEDIENT, namespace=space).wait_active()
    probe = make_probe(namespace=space).wait_connected()
    probe.exchange(commanded(Command.RESTORE))
    probe.publish(commanded(Command.SLOW))
    time.sleep(0.05)
    for number in signals:
        node.signal(number)
        time.sleep(0.05)
    assert node.wait_exit() == 0
    assert "Traceback" not in node.log


def test_sigint_ends_a_node_that_hangs_with_code_0(start_node, make_probe):
    node = start_node(module=OBEDIENT, namespace="stuck").wait_active()
    probe = make_probe(namespace="stuck").wait_connected()
    probe.publish(commanded(Command.HANG))
    wait_until(lambda: probe.reports, what="the source by the watchdog")
    node.signal(signal.SIGINT)
    assert node.wait_exit() == 0


def test_compressed_sources_are_published_as_the_decoded_image(start_node, make_probe):
    start_node(**PATIENT, namespace="jpeg", image_transport="compressed").wait_active()
    probe = make_probe(namespace="jpeg", source_type=CompressedImage).wait_connected()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    pixels[0, 0] = (0, 255, 0)
    sent = CompressedImage(format="bgr8; png compressed bgr8")
    sent.header.frame_id = "optical_frame"
    sent.data = array.array("B", cv2.imencode(".png", pixels)[1].tobytes())
    image, report = probe.exchange(sent)
    assert image.header == sent.header
    assert image.encoding == "bgr8"
    assert np.array_equal(pixels_of(image), pixels)
    assert report.action == Report.ACTION_PASSED_THROUGH

    sent.data = sent.data[:100]
    _, report = probe.exchange(sent, has_image=False)
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_MALFORMED)


def test_a_compressed_image_that_claims_to_be_huge_is_refused_at_once(start_node, make_probe):
    """Decoding it would miss the deadline, and once it takes longer than hang_timeout_s end the process."""
    start_node(
        module=OBEDIENT,
        namespace="huge",
        image_transport="compressed",
        deadline_ms=1000.0,
        hang_timeout_s=60.0,
    ).wait_active()
    probe = make_probe(namespace="huge", source_type=CompressedImage).wait_connected()
    for claim in (png_claiming, jpeg_claiming):
        sent = CompressedImage(format="jpeg", data=array.array("B", claim(30_000, 30_000)))
        _, report = probe.exchange(sent, has_image=False)
        assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_MALFORMED)


def test_output_encoding_converts_every_source(start_node, make_probe):
    start_node(**PATIENT, namespace="mono", output_encoding="mono8", enabled=False).wait_active()
    probe = make_probe(namespace="mono").wait_connected()
    image, _ = probe.exchange(commanded(Command.RESTORE, value=77))
    assert (image.encoding, image.step) == ("mono8", 128)
    assert image.data[-1] == 77


def test_sim_time_stamps_diagnostics_and_paused_time_ages_no_camera(start_node, make_probe):
    start_node(**PATIENT, namespace="sim", use_sim_time=True).wait_active()
    probe = make_probe(namespace="sim").wait_connected()
    clock = probe.node.create_publisher(Clock, "/clock", 10)
    wait_until(lambda: clock.get_subscription_count() > 0, what="the node's clock")
    message = Clock()
    message.clock.sec = 123

    def is_on_the_clock() -> bool:
        clock.publish(message)  # again and again: the one that comes before the node has met us is lost
        return any(d.header.stamp.sec == 123 for d in probe.diagnostics)

    wait_until(is_on_the_clock, what="diagnostics of the clock's time")
    _, report = probe.exchange(commanded(Command.RESTORE))
    assert report.latency_ms > 0, "durations are of the steady clock"
    time.sleep(2.1)  # more than stale_after_s of real time
    sim = [d for d in probe.diagnostics if d.status[0].name == "sim/restore_node: network"]
    assert sim[-1].header.stamp.sec == 123
    stream = next(s for s in sim[-1].status if s.name.endswith("stream"))
    assert stream.level == b"\x00"


def test_qos_can_be_overridden(start_node, make_probe):
    name = "qos_overrides./qos/camera/restored/image_raw.publisher.reliability"
    start_node(**PATIENT, namespace="qos", **{name: "best_effort"}).wait_active()
    probe = make_probe(namespace="qos")
    (endpoint,) = wait_until(
        lambda: probe.node.get_publishers_info_by_topic("/qos/camera/restored/image_raw"),
        what="the publisher",
    )
    assert endpoint.qos_profile.reliability.name == "BEST_EFFORT"
    (report,) = probe.node.get_publishers_info_by_topic("/qos/camera/restored/report")
    assert report.qos_profile.reliability.name == "RELIABLE"


def test_an_empty_list_of_sizes_to_warm_up_at_is_a_list(start_node):
    start_node(module=OBEDIENT, warm_up_sizes="[]").wait_active()


def test_intrinsics_that_a_driver_latched_before_the_node_started_are_known(start_node, make_probe):
    probe = make_probe(namespace="latched", info=True)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    driver = probe.node.create_publisher(CameraInfo, "camera/camera_info", latched)
    driver.publish(CameraInfo(height=96, width=128, k=[float(n) for n in range(9)]))
    node = start_node(namespace="latched", **PATIENT).wait_active()
    probe.wait_connected()

    def restamped() -> list[CameraInfo]:
        image, _ = probe.exchange(image_message())
        return [info for info in probe.infos if info.header == image.header]

    (info,) = wait_until(restamped, what="camera_info")
    assert list(info.k) == list(range(9))
    assert "incompatible QoS" not in node.log
