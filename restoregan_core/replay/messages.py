# SPDX-License-Identifier: Apache-2.0
"""From a result of the pipeline to what replay writes: image, intrinsics and report as messages."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from restoregan_core.bags.frames import SourceFrame
from restoregan_core.bags.messages import COMPRESSED_TYPE, IMAGE_TYPE, INFO_TYPE, MessageTypes
from restoregan_core.bags.writer import REPORT_TYPE, OutputMessage, as_bytes, output_typestore
from restoregan_core.images import encodings
from restoregan_core.images.rgb import RgbImage
from restoregan_core.result import Action, Reason, RestorationResult, report_fields

IMAGE_FORMATS = ("jpeg", "png", "raw")


@dataclass(frozen=True, kw_only=True)
class OutputFormat:
    """How restored images are written.

    Raises:
        ValueError: a value out of its range.
    """

    image_format: str = "jpeg"
    """jpeg (small), png (exact, slow) or raw (exact, as the node publishes it)."""
    jpeg_quality: int = 92
    with_source: bool = False
    """Copy the source's images and intrinsics as well."""

    def __post_init__(self) -> None:
        if self.image_format not in IMAGE_FORMATS:
            raise ValueError(f"image format {self.image_format!r}; there are: {', '.join(IMAGE_FORMATS)}")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"JPEG quality is {self.jpeg_quality}; it lies between 1 and 100")


class FrameOutput:
    """Makes the messages of a frame. May be called from many threads.

    Args:
        form: of the images.
        types: of the source bag.
        model: what reports name.
        is_ros1: whether the source's bytes are ROS 1's, which cannot be copied.
    """

    def __init__(self, form: OutputFormat, types: MessageTypes, model: str, is_ros1: bool) -> None:
        self._form = form
        self._types = types
        self._model = model
        self._is_ros1 = is_ros1
        self._store = output_typestore()

    def messages(
        self, frame: SourceFrame, source_HWC: RgbImage | None, result: RestorationResult | None,
        action: Action, reason: Reason,
    ) -> list[OutputMessage]:  # fmt: skip
        """Image, camera_info and report under the source's stamps.

        Args:
            frame: the source.
            source_HWC: its pixels if the pipeline got others than the recorded ones; else None.
            result: of the pipeline; None for a frame that does not decode.
            action, reason: as in the report.
        """
        base, time_ns = frame.camera.base, frame.time_ns
        made = list(self._copies(frame)) if self._form.with_source else []
        published = self._published_image(frame, source_HWC, result)
        if published is not None:
            msgtype, ending, data = published
            made.append(OutputMessage(f"{base}/restored/image_raw{ending}", msgtype, time_ns, data))
            info = self._info(frame)
            if info is not None:
                made.append(OutputMessage(f"{base}/restored/camera_info", INFO_TYPE, time_ns, info))
        report = self._report(frame, result, action, reason)
        made.append(OutputMessage(f"{base}/restored/report", REPORT_TYPE, time_ns, report))
        return made

    def _published_image(
        self, frame: SourceFrame, source_HWC: RgbImage | None, result: RestorationResult | None
    ) -> tuple[str, str, bytes | memoryview] | None:
        """Type, ending of the topic's name and bytes; None where there is nothing that could be shown."""
        wants_raw = self._form.image_format == "raw"
        own_type = IMAGE_TYPE if wants_raw else COMPRESSED_TYPE
        ending = "" if wants_raw else "/compressed"
        is_untouched = result is None or (source_HWC is None and result.action != Action.RESTORED)
        if is_untouched and not self._is_ros1 and self._is_published_as(frame):
            return own_type, ending, frame.raw.data
        if result is None:
            return None
        if wants_raw:
            return own_type, ending, self._raw(frame, source_HWC, result.image)
        return own_type, ending, self._compressed(frame, result.image)

    def _is_published_as(self, frame: SourceFrame) -> bool:
        """Whether the recorded bytes are in the format that is asked for."""
        if self._form.image_format == "raw":
            is_readable = frame.message is not None and frame.encoding in encodings.SUPPORTED_ENCODINGS
            return frame.raw.msgtype == IMAGE_TYPE and (
                not is_readable or frame.encoding in encodings.KEPT_ENCODINGS
            )
        # A mosaic is published in colour, as the frames that are restored.
        is_file = frame.raw.msgtype == COMPRESSED_TYPE and not encodings.mosaic_of(frame.encoding)
        return (
            is_file
            and not frame.is_packet
            and self._form.image_format in frame.encoding.replace("jpg", "jpeg")
        )

    def _raw(self, frame: SourceFrame, source_HWC: RgbImage | None, rgb_HWC: RgbImage) -> memoryview:
        m, height, width = frame.message, *rgb_HWC.shape[:2]
        is_kept = frame.raw.msgtype == IMAGE_TYPE and frame.encoding in encodings.KEPT_ENCODINGS
        if is_kept and source_HWC is None:
            data = encodings.merge(
                frame.encoding, m.data, m.height, m.width, m.step, rgb_HWC, bool(m.is_bigendian)
            )
            encoding, step, is_bigendian = frame.encoding, m.step, m.is_bigendian
        else:
            encoding = frame.encoding if is_kept else self._published_encoding(frame)
            (data, step), is_bigendian = encodings.encode(rgb_HWC, encoding), 0
        image = self._store.types[IMAGE_TYPE](
            self._header(frame), height, width, encoding, int(is_bigendian), step, data
        )
        return self._store.serialize_cdr(image, IMAGE_TYPE)

    def _published_encoding(self, frame: SourceFrame) -> str:
        if frame.raw.msgtype == COMPRESSED_TYPE and not frame.is_packet:
            return encodings.published_compressed_encoding(frame.encoding)
        return "bgr8"

    def _compressed(self, frame: SourceFrame, rgb_HWC: RgbImage) -> memoryview:
        name = self._form.image_format
        options = [cv2.IMWRITE_JPEG_QUALITY, self._form.jpeg_quality] if name == "jpeg" else []
        _, data = cv2.imencode(f".{name}", cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR), options)
        text = f"bgr8; {name} compressed bgr8"
        image = self._store.types[COMPRESSED_TYPE](self._header(frame), text, as_bytes(data))
        return self._store.serialize_cdr(image, COMPRESSED_TYPE)

    def _info(self, frame: SourceFrame) -> memoryview | None:
        info = None if frame.info is None else self._types.deserialize(frame.info)
        if info is None:
            return None
        matrices = [
            np.asarray(
                getattr(info, name) if hasattr(info, name) else getattr(info, name.upper()), np.float64
            )
            for name in ("d", "k", "r", "p")
        ]
        roi = self._store.types["sensor_msgs/msg/RegionOfInterest"](
            *(getattr(info.roi, f) for f in ("x_offset", "y_offset", "height", "width", "do_rectify"))
        )
        restamped = self._store.types[INFO_TYPE](
            self._header(frame), info.height, info.width, info.distortion_model, *matrices,
            info.binning_x, info.binning_y, roi,
        )  # fmt: skip
        return self._store.serialize_cdr(restamped, INFO_TYPE)

    def _report(
        self, frame: SourceFrame, result: RestorationResult | None, action: Action, reason: Reason
    ) -> memoryview:
        fields = report_fields(
            result,
            action=action,
            reason=reason,
            model=self._model,
            latency_ms=_spent_ms(result),
            superseded=0,
        )
        report = self._store.types[REPORT_TYPE](header=self._header(frame), **fields)
        return self._store.serialize_cdr(report, REPORT_TYPE)

    def _header(self, frame: SourceFrame) -> Any:
        sec, nanosec = divmod(frame.stamp_ns, 10**9)
        # A damaged message, or one of ROS 1 after 2038, may be stamped with what ROS 2 cannot say.
        sec = min(max(sec, -(2**31)), 2**31 - 1)
        stamp = self._store.types["builtin_interfaces/msg/Time"](sec, nanosec)
        return self._store.types["std_msgs/msg/Header"](stamp, frame.frame_id)

    def _copies(self, frame: SourceFrame) -> list[OutputMessage]:
        if self._is_ros1:  # other bytes; the restored topics are written in ROS 2's
            return []
        definition = "" if frame.raw.msgtype in self._store.types else self._types.definition(frame.raw)
        return [
            OutputMessage(m.topic, m.msgtype, m.time_ns, m.data, definition if m is frame.raw else "")
            for m in (frame.raw, *frame.passed)
        ]


def _spent_ms(result: RestorationResult | None) -> float:
    """What stands for the latency where nothing is live; NaN if the pipeline did not get the frame."""
    if result is None:
        return math.nan
    return float(np.nansum([result.assessment_ms, result.restoration_ms]))
