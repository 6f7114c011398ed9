# SPDX-License-Identifier: Apache-2.0
"""The demo's clips as a rosbag2: what a recording of a camera driver holds, and the ground truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.demo.clip import Clip

IMAGE_TOPIC, INFO_TOPIC, TRUTH_TOPIC = "/camera/image_raw", "/camera/camera_info", "/truth/image_raw"
_START_NS = 1_760_000_000 * 10**9


def write_clip(clip: Clip, folder: Path, on_frame: Callable[[], object] = lambda: None) -> dict[int, str]:
    """Write a clip into a new bag; returns the condition of the frame at each stamp (ns).

    Topics: ``/camera/image_raw`` (rgb8), ``/camera/camera_info`` and, where the ground truth is known,
    ``/truth/image_raw``, all with equal stamps.

    Raises:
        ValueError: a frame of another size than the first one.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    conditions: dict[int, str] = {}
    size: tuple[int, ...] | None = None
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        image_type, info_type = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
        images = writer.add_connection(IMAGE_TOPIC, image_type, typestore=store)
        infos = writer.add_connection(INFO_TOPIC, info_type, typestore=store)
        truths = None
        for frame in clip.frames:
            if size is not None and frame.image.shape != size:
                raise ValueError(f"{clip.name}: a frame is {frame.image.shape}, the first one was {size}")
            size = frame.image.shape
            stamp_ns = _START_NS + round(frame.time_s * 1e9)
            conditions[stamp_ns] = frame.condition
            info = _camera_info(store, stamp_ns, size[0], size[1])
            writer.write(infos, stamp_ns, store.serialize_cdr(info, info_type))
            image = _image(store, stamp_ns, frame.image)
            writer.write(images, stamp_ns, store.serialize_cdr(image, image_type))
            if frame.truth is not None:
                if truths is None:
                    truths = writer.add_connection(TRUTH_TOPIC, image_type, typestore=store)
                truth = _image(store, stamp_ns, frame.truth)
                writer.write(truths, stamp_ns, store.serialize_cdr(truth, image_type))
            on_frame()
    return conditions


def _header(store: Any, stamp_ns: int) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = store.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    return store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_optical_frame")


def _image(store: Any, stamp_ns: int, rgb_HWC: np.ndarray) -> Any:
    height, width, _ = rgb_HWC.shape
    return store.types["sensor_msgs/msg/Image"](
        header=_header(store, stamp_ns), height=height, width=width, encoding="rgb8", is_bigendian=0,
        step=3 * width, data=np.ascontiguousarray(rgb_HWC).reshape(-1),
    )  # fmt: skip


def _camera_info(store: Any, stamp_ns: int, height: int, width: int) -> Any:
    focal_px, x, y = 0.9 * width, (width - 1) / 2, (height - 1) / 2
    region = store.types["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return store.types["sensor_msgs/msg/CameraInfo"](
        header=_header(store, stamp_ns), height=height, width=width, distortion_model="plumb_bob",
        d=np.zeros(5), k=np.array([focal_px, 0, x, 0, focal_px, y, 0, 0, 1]), r=np.eye(3).reshape(-1),
        p=np.array([focal_px, 0, x, 0, 0, focal_px, y, 0, 0, 0, 1, 0]), binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip
