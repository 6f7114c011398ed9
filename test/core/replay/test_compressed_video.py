# SPDX-License-Identifier: Apache-2.0
"""foxglove_msgs/CompressedVideo: H.264 from a real encoder is replayed like any camera."""

import numpy as np
import pytest
from replay_bags import START_NS, STEP_NS, images_of, rgb_image, write_bag
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from restoregan_core.bags.video import VIDEO_TYPE, VideoDecoder
from restoregan_core.images.decoding import MalformedImageError
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.replay.messages import OutputFormat
from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames

av = pytest.importorskip("av", reason="H.264 needs PyAV")

DEFINITION = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n"


def h264_packets(images: list[np.ndarray]) -> list[bytes]:
    """One packet an image, the first with the stream's parameters: no B frames, as the message asks for."""
    height, width = images[0].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate = 25
    encoder.options = {"tune": "zerolatency", "bf": "0", "crf": "8", "x264-params": "annexb=1"}
    packets = [
        bytes(packet)
        for rgb in images
        for packet in encoder.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    ]
    assert len(packets) == len(images)
    return packets


def messages(packets: list[bytes], codec: str = "h264") -> list[tuple[str, str, str, int, bytes]]:
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(DEFINITION, VIDEO_TYPE))
    made = []
    for number, packet in enumerate(packets):
        stamp_ns = START_NS + number * STEP_NS
        stamp = store.types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
        message = store.types[VIDEO_TYPE](stamp, "front_optical", np.frombuffer(packet, np.uint8), codec)
        data = bytes(store.serialize_cdr(message, VIDEO_TYPE))
        made.append(("/front/video", VIDEO_TYPE, DEFINITION, stamp_ns, data))
    return made


def smooth_image(number: int) -> np.ndarray:
    return rgb_image(3 * number, height=128, width=160)  # those are smeared: H.264 keeps them well


def write_video_bag(path, packets: list[bytes], codec: str = "h264"):
    return write_bag(path, [], extra=messages(packets, codec))


def test_video_is_replayed_like_any_camera(tmp_path, make_pipeline) -> None:
    images = [smooth_image(number) for number in range(6)]
    bag = write_video_bag(tmp_path / "bag", h264_packets(images))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions(form=OutputFormat(image_format="raw")))

    published = images_of(folder.bag)
    assert len(published) == 6
    for source, seen in zip(images, published, strict=True):
        assert psnr_rgb(seen, source) > 30


def test_a_packet_that_is_lost_costs_its_frame_and_says_so(tmp_path, make_pipeline) -> None:
    packets = h264_packets([smooth_image(number) for number in range(4)])
    packets[2] = b"no video"
    folder = ReplayFolder(tmp_path / "out")
    replay(write_video_bag(tmp_path / "bag", packets), folder, make_pipeline("off"), ReplayOptions())
    columns = Frames(folder.frames).columns("action", "reason")
    assert columns["reason"].tolist() == ["DISABLED", "DISABLED", "MALFORMED", "DISABLED"]
    assert columns["action"][2] == "FAILED_OPEN"


def test_frames_of_more_pixels_than_are_allowed_are_refused() -> None:
    (packet,) = h264_packets([smooth_image(0)])
    refused = VideoDecoder(max_pixels=128 * 160 - 1).decode("h264", packet)
    assert isinstance(refused, MalformedImageError)
    assert "more than 20,479 pixels" in str(refused)
    decoded = VideoDecoder(max_pixels=2 * 128 * 160).decode("h264", packet)  # the codec aligns its rows
    assert isinstance(decoded, np.ndarray)


def test_packets_as_an_mp4_holds_them_are_refused_with_the_remedy(tmp_path) -> None:
    with av.open(tmp_path / "drive.mp4", "w") as written:
        stream = written.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.height, stream.width = smooth_image(0).shape[:2]
        frames = [av.VideoFrame.from_ndarray(smooth_image(number), format="rgb24") for number in range(3)]
        for frame in (*frames, None):
            written.mux(stream.encode(frame))
    with av.open(tmp_path / "drive.mp4") as source:
        (track,) = source.streams.video
        packets = [packet for packet in source.demux(track) if packet.size]
        refused = VideoDecoder().decode("h264", bytes(packets[0]))
        assert isinstance(refused, MalformedImageError)
        assert "h264_mp4toannexb" in str(refused)
        mended = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", track).filter(packets[0])
    assert isinstance(VideoDecoder().decode("h264", bytes(mended[0])), np.ndarray)


def test_a_codec_that_nobody_knows_is_named(tmp_path, make_pipeline) -> None:
    folder = ReplayFolder(tmp_path / "out")
    bag = write_video_bag(tmp_path / "bag", [b"\0\0\0\1"], codec="mjpeg2")
    replay(bag, folder, make_pipeline("off"), ReplayOptions())
    assert Frames(folder.frames).column("reason").tolist() == ["UNSUPPORTED_ENCODING"]
