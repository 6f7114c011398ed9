# SPDX-License-Identifier: Apache-2.0
"""What comes out for each frame that goes in: header, pixels, one report, the reason. One node for all."""

import array
import time

import numpy as np
import pytest
from obedient_node import BRIGHTER_BY, Command
from rclpy.qos import ReliabilityPolicy
from restoregan_ros.msg import RestorationReport as Report
from ros_probe import Probe, commanded, image_message, pixels_of, values, wait_until
from sensor_msgs.msg import CameraInfo, Image

from restoregan_core.images import encodings
from restoregan_core.restoration.circuit_breaker import CircuitLimits

BYTES_PER_PIXEL = {
    "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "mono16": 2,
    "bayer_rggb8": 1, "bayer_bggr8": 1, "bayer_gbrg8": 1, "bayer_grbg8": 1,
    "bayer_rggb16": 2, "bayer_grbg16": 2, "uyvy": 2, "yuyv": 2, "yuv422": 2, "yuv422_yuy2": 2, "nv12": 1,
}  # fmt: skip
KEPT = [name for name in BYTES_PER_PIXEL if name in encodings.KEPT_ENCODINGS]
CONVERTED = [name for name in BYTES_PER_PIXEL if name not in encodings.KEPT_ENCODINGS]
CAMERAS = [f"enc_{name}" for name in BYTES_PER_PIXEL] + [
    "front",
    "odd",
    "sizes",
    "stereo/left",
    "quiet",
    "limited",
]


@pytest.fixture(scope="module")
def node(start_shared_node):
    names = "[" + ",".join(CAMERAS) + "]"
    return start_shared_node(
        module="obedient_node", cameras=names, deadline_ms=5000.0, hang_timeout_s=60.0
    ).wait_active()


@pytest.fixture(scope="module")
def probe_of(node, make_shared_probe):
    """One probe for each camera, made when it is asked for."""
    probes: dict[str, Probe] = {}

    def get(camera: str, **options: object) -> Probe:
        if camera not in probes:
            probes[camera] = make_shared_probe(camera, **options).wait_connected()
        return probes[camera]

    return get


@pytest.fixture
def front(probe_of) -> Probe:
    return probe_of("front")


def test_header_is_copied_to_image_and_report(front):
    sent = commanded(Command.RESTORE)
    image, report = front.exchange(sent)
    assert image.header == sent.header
    assert report.header == sent.header


def test_clean_frame_is_passed_through_bit_for_bit(front):
    sent = commanded(Command.RESTORE, is_clean=True)
    image, report = front.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_NONE)
    assert report.blur_probability == 0.0
    assert report.residual_blur_probability == 0.0


def test_blurred_frame_is_restored_and_the_report_says_how(front):
    sent = commanded(Command.RESTORE)
    image, report = front.exchange(sent)
    assert (image.height, image.width, image.encoding) == (sent.height, sent.width, sent.encoding)
    assert np.array_equal(pixels_of(image), pixels_of(sent) + BRIGHTER_BY)
    assert (report.action, report.reason) == (Report.ACTION_RESTORED, Report.REASON_NONE)
    assert report.model == "obedient-0123456789ab"
    assert report.blur_probability == pytest.approx(0.95)
    assert report.rain_probability == pytest.approx(0.25)
    assert report.lens_drop_probability == pytest.approx(0.125)
    assert (report.tile_size_px, report.grid_rows, report.grid_columns) == (64, 2, 2)
    assert list(report.blur_grid) == pytest.approx([0.95] * 4)
    assert list(report.restored_grid) == [1.0] * 4
    assert report.assessment_ms >= 0
    assert report.restoration_ms >= 0
    assert report.latency_ms >= report.assessment_ms + report.restoration_ms


@pytest.mark.parametrize("encoding", KEPT)
@pytest.mark.parametrize("padding", [0, 12])
@pytest.mark.parametrize("how", ["node disabled", "preset off"])
def test_kept_encoding_is_passed_through_bit_for_bit(front, probe_of, encoding, padding, how):
    sent = image_message(96, 128, encoding, channels=BYTES_PER_PIXEL[encoding], padding=padding, seed=padding)
    sent.is_bigendian = int(encoding == "mono16" and padding > 0)
    probe = probe_of(f"enc_{encoding}")
    try:
        front.must_set(**({"enabled": False} if how == "node disabled" else {"preset": "off"}))
        image, report = probe.exchange(sent)
    finally:
        front.must_set(enabled=True, preset="balanced")
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_DISABLED)


@pytest.mark.parametrize("encoding", CONVERTED)
@pytest.mark.parametrize("how", ["node disabled", "preset off"])
def test_other_encodings_are_published_as_the_decoded_source_in_bgr8(front, probe_of, encoding, how):
    sent = image_message(96, 128, encoding, channels=BYTES_PER_PIXEL[encoding], padding=8)
    try:
        front.must_set(**({"enabled": False} if how == "node disabled" else {"preset": "off"}))
        image, report = probe_of(f"enc_{encoding}").exchange(sent)
    finally:
        front.must_set(enabled=True, preset="balanced")
    decoded = encodings.decode(encoding, sent.data, 96, 128, sent.step)
    assert (image.encoding, image.step) == ("bgr8", 3 * 128)
    assert np.array_equal(pixels_of(image)[..., ::-1], decoded)
    assert image.header == sent.header
    assert report.action == Report.ACTION_PASSED_THROUGH


def test_restored_rgba_keeps_alpha_and_row_padding(probe_of):
    sent = image_message(96, 128, "rgba8", channels=4, padding=12)
    source = np.frombuffer(sent.data, np.uint8).reshape(96, sent.step).copy()
    source[0, :4] = (Command.RESTORE, 0, 0, 9)
    sent.data = array.array("B", source.tobytes())
    image, report = probe_of("enc_rgba8").exchange(sent)
    assert report.action == Report.ACTION_RESTORED
    rows = np.frombuffer(image.data, np.uint8).reshape(96, image.step)
    assert image.step == sent.step
    assert np.array_equal(rows[:, 512:], source[:, 512:])
    assert np.array_equal(rows[:, 3:512:4], source[:, 3:512:4])
    assert not np.array_equal(rows, source)


def test_an_encoding_that_changes_in_mid_stream_is_published_in_the_first_one(probe_of):
    probe = probe_of("odd")
    first, _ = probe.exchange(commanded(Command.RESTORE, is_clean=True))
    grey = image_message(96, 128, "mono8", channels=1)
    second, report = probe.exchange(grey)
    assert first.encoding == second.encoding == "rgb8"
    assert report.action != Report.ACTION_FAILED_OPEN


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Command.RAISE, Report.REASON_RUNTIME_FAULT),
        (Command.NON_FINITE, Report.REASON_NON_FINITE),
        (Command.SHIFT_COLOUR, Report.REASON_COLOUR_SHIFT),
    ],
)
def test_fault_of_the_network_fails_open_with_its_reason_and_the_next_frame_is_restored(front, fault, reason):
    sent = commanded(fault)
    image, report = front.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, reason)
    _, report = front.exchange(commanded(Command.RESTORE))
    assert report.action == Report.ACTION_RESTORED


def exceeding(front, sent, pixels, bound):
    """By how much the node changed a pixel, the row that commands left out."""
    front.must_set(max_pixel_change=bound)
    image, report = front.exchange(sent)
    assert report.action == Report.ACTION_RESTORED
    return np.abs(pixels_of(image).astype(int) - pixels)[1:].max()


def test_change_of_a_pixel_is_bounded_by_the_parameter(front):
    sent = commanded(Command.EXCEED)
    pixels = np.full((96, 128, 3), 100, np.uint8)
    pixels[48:] = 155
    pixels[0, 0] = (Command.EXCEED, 0, 0)
    sent.data = array.array("B", pixels.tobytes())
    try:
        assert [exceeding(front, sent, pixels, bound) for bound in (3, 20, 4)] == [3, 20, 4]
    finally:
        front.must_set(max_pixel_change=128)


def test_repeated_faults_open_the_circuit(front):
    for _ in range(5):
        _, report = front.exchange(commanded(Command.RAISE))
        assert report.reason == Report.REASON_RUNTIME_FAULT
    sent = commanded(Command.RESTORE)
    image, report = front.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_CIRCUIT_OPEN)

    time.sleep(CircuitLimits().probe_after_s)
    # The next frame is the probe. It closes the circuit even where the machine is so slow that it misses its deadline.
    after = [front.exchange(commanded(Command.RESTORE))[1].action for _ in range(3)]
    assert Report.ACTION_RESTORED in after


@pytest.mark.parametrize("camera", ["front", "odd"])
def test_unsupported_encoding_is_published_untouched(probe_of, camera):
    sent = image_message(96, 128, "32FC1", channels=4)
    image, report = probe_of(camera).exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_UNSUPPORTED_ENCODING)


@pytest.mark.parametrize(
    ("height", "width", "step", "bytes_given"),
    [
        (96, 128, 384, 1000),
        (96, 128, 384, 0),
        (0, 0, 0, 0),
        (0, 128, 384, 0),
        (96, 0, 0, 0),
        (96, 128, 10, 36864),
        (4_000_000_000, 4_000_000_000, 4_000_000_000, 100),
    ],
)
def test_malformed_image_is_published_untouched_and_the_node_lives_on(
    front, height, width, step, bytes_given
):
    sent = Image(height=height, width=width, encoding="rgb8", step=step)
    sent.data = array.array("B", bytes(bytes_given))
    image, report = front.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_MALFORMED)
    _, report = front.exchange(commanded(Command.RESTORE))
    assert report.action == Report.ACTION_RESTORED


def test_an_image_of_more_pixels_than_the_parameter_allows_is_published_untouched(front):
    sent = commanded(Command.RESTORE, height=2000)
    try:
        front.must_set(max_image_pixels=2000 * 128 - 1)
        image, report = front.exchange(sent)
    finally:
        front.must_set(max_image_pixels=40_000_000)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_MALFORMED)
    assert front.exchange(sent)[1].action == Report.ACTION_RESTORED


def test_size_may_change_in_mid_stream(probe_of):
    probe = probe_of("sizes")
    for height in (96, 1, 65, 300):
        sent = commanded(Command.RESTORE, height=height)
        image, report = probe.exchange(sent)
        assert (image.height, image.width) == (height, 128)
        assert report.action == Report.ACTION_RESTORED
        assert report.grid_rows == -(-height // 64)


def test_every_frame_accepted_has_one_image_and_one_report_with_equal_headers(front):
    del front.images[:], front.reports[:]
    sent = [front.publish(commanded(Command.RESTORE, value=n)) for n in range(60)]
    wait_until(lambda: front.reports_of(sent[-1]) and front.images_of(sent[-1]), what="the last frame")
    assert [m.header for m in front.images] == [m.header for m in front.reports]
    stamps = [m.header.stamp.sec for m in front.images]
    assert stamps == sorted(set(stamps))
    assert set(stamps) <= set(sent)


def test_monitor_mode_publishes_reports_but_no_images(front):
    try:
        front.must_set(mode="monitor")
        _, report = front.exchange(commanded(Command.RESTORE), has_image=False)
        assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_MONITOR)
        assert report.blur_probability == pytest.approx(0.95)
        assert np.isnan(report.restoration_ms)
    finally:
        front.must_set(mode="restore")


def test_in_monitor_mode_a_reader_of_diagnostics_is_reason_enough_to_assess(front, make_probe):
    probe = make_probe("stereo/left", image=False, report=False)
    wait_until(lambda: probe.source.get_subscription_count() > 0, what="the node's subscription")
    try:
        front.must_set(mode="monitor")

        def assessed() -> bool:
            probe.publish(commanded(Command.RESTORE))
            time.sleep(0.2)
            status = probe.diagnostic("stereo/left blur")
            return status is not None and values(status)["probability"] == "0.950"

        wait_until(assessed, what="a blur probability")
    finally:
        front.must_set(mode="restore")


def test_with_a_subscriber_of_the_report_alone_frames_are_assessed_and_not_restored(probe_of):
    probe = probe_of("quiet", image=False)
    _, report = probe.exchange(commanded(Command.RESTORE), has_image=False)
    assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_MONITOR)
    assert np.isnan(report.restoration_ms)
    assert report.assessment_ms >= 0


def test_with_no_subscriber_nothing_runs_and_the_first_one_wakes_it(node, make_probe):
    probe = make_probe("stereo/left", image=False, report=False)
    wait_until(lambda: probe.source.get_subscription_count() > 0, what="the node's subscription")
    before = wait_until(lambda: probe.diagnostic("stereo/left stream"), what="diagnostics")
    received, published = count(before, "received"), count(before, "published")
    log_before = node.log

    def three_received():
        probe.publish(commanded(Command.RAISE))  # would leave a line in the log
        time.sleep(0.2)  # the subscription keeps only the latest
        status = probe.diagnostic("stereo/left stream")
        return count(status, "received") >= received + 3 and status

    status = wait_until(three_received, what="three received frames")
    assert count(status, "published") == published
    assert node.log == log_before
    probe.subscribe_images()
    probe.subscribe_reports()
    probe.wait_connected()
    assert probe.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED


def test_a_camera_can_be_disabled_alone(front, probe_of):
    other = probe_of("sizes")
    sent = commanded(Command.RESTORE)
    try:
        front.must_set(front__enabled=False)
        image, report = front.exchange(sent)
        assert image == sent
        assert (report.action, report.reason) == (Report.ACTION_PASSED_THROUGH, Report.REASON_DISABLED)
        assert other.exchange(sent)[1].action == Report.ACTION_RESTORED
    finally:
        front.must_set(front__enabled=True)


def test_frames_beyond_max_rate_are_dropped(probe_of):
    probe = probe_of("limited")
    probe.must_set(limited__max_rate_hz=0.01)
    probe.exchange(commanded(Command.RESTORE))

    def three_exceed_it() -> bool:
        probe.publish(commanded(Command.RESTORE))
        time.sleep(0.2)  # the subscription keeps only the latest
        status = probe.diagnostic("limited stream")
        return status is not None and count(status, "rate_limited") >= 3

    wait_until(three_exceed_it, what="three frames beyond the rate")
    assert len(probe.reports) == len(probe.images) == 1


def test_best_effort_driver_and_best_effort_detector_are_served(node, make_probe):
    probe = make_probe(
        "enc_rgb8",
        image_reliability=ReliabilityPolicy.BEST_EFFORT,
        source_reliability=ReliabilityPolicy.BEST_EFFORT,
    ).wait_connected()
    image, report = probe.exchange(commanded(Command.RESTORE))
    assert image.header == report.header


def test_camera_info_is_republished_with_the_header_of_its_image(node, make_probe):
    probe = make_probe("enc_bgr8", info=True).wait_connected()
    info = CameraInfo(height=96, width=128, k=[float(n) for n in range(9)])
    info.header.frame_id = "another"
    wait_until(lambda: probe.info_source.get_subscription_count() > 0, what="the node's camera_info")
    probe.info_source.publish(info)

    def restamped() -> list[CameraInfo]:
        image, _ = probe.exchange(image_message())
        return [i for i in probe.infos if i.header == image.header]

    (republished,) = wait_until(restamped, what="camera_info")
    assert list(republished.k) == list(info.k)


def test_overlay_is_drawn_only_while_somebody_looks(node, make_probe):
    probe = make_probe("enc_bgr8", image=False, overlay=True).wait_connected()
    sent = image_message()
    sent.data[:3] = array.array("B", [0, 0, Command.RESTORE])
    sec = probe.publish(sent)
    (overlay,) = wait_until(
        lambda: [m for m in probe.overlays if m.header.stamp.sec == sec], what="a debug image"
    )
    assert (overlay.height, overlay.width, overlay.encoding) == (96, 128, "rgb8")
    assert len(set(overlay.data)) > 1


def count(status, what: str) -> int:
    return int(values(status)[f"frames_{what}"])
