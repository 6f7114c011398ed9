"""Messages <-> arrays. The one module of the node that knows what the fields of image and report mean.

Pixels are decoded and encoded by ``restoregan_core.image_codec``; nothing is computed here.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_core import image_codec
from restoregan_core.image_codec import MalformedImageError, UnsupportedEncodingError
from restoregan_ros.image_cdr import ImageFields, read_compressed_image, read_image, write_image
from restoregan_ros.msg import RestorationReport

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationResult

KEEP_SOURCE = "source"

REASONS = {
    getattr(RestorationReport, name): name.removeprefix("REASON_")
    for name in dir(RestorationReport)
    if name.startswith("REASON_")
}
"""Value of RestorationReport.reason -> its name."""


@dataclass(frozen=True)
class Outcome:
    """What is published for one source frame, and why."""

    action: int
    """One of RestorationReport.ACTION_*."""
    reason: int = RestorationReport.REASON_NONE
    """One of RestorationReport.REASON_*."""
    detail: str = ""
    """One line for the log where something went wrong."""
    result: "RestorationResult | None" = None
    """Of the pipeline, if it got the frame."""


class SourceImage:
    """A serialised Image or CompressedImage: its fields at once, its pixels when they are asked for.

    Raises:
        ValueError: the bytes are cut off.
    """

    def __init__(self, cdr: bytes, is_compressed: bool = False) -> None:
        self.cdr = cdr
        self.is_compressed = is_compressed
        self.fields: ImageFields = read_compressed_image(cdr) if is_compressed else read_image(cdr)

    @cached_property
    def header(self) -> Header:
        stamp = Time(sec=self.fields.sec, nanosec=self.fields.nanosec)
        return Header(stamp=stamp, frame_id=self.fields.frame_id)

    @cached_property
    def rgb_HWC(self) -> npt.NDArray[np.uint8]:  # noqa: N802 - shape suffix
        """uint8 RGB (height, width, 3); not to be written to.

        Raises:
            UnsupportedEncodingError, MalformedImageError: see ``image_codec.decode``.
        """
        image = self.fields
        if self.is_compressed:
            return image_codec.decode_compressed(image.encoding, image.data)
        return image_codec.decode(
            image.encoding, image.data, image.height, image.width, image.step, image.is_bigendian
        )

    def published_encoding(self) -> str:
        """What a stream that keeps its source's encoding publishes this one in.

        Raises:
            UnsupportedEncodingError: it is not decoded.
        """
        if self.is_compressed:
            return image_codec.published_compressed_encoding(self.fields.encoding)
        return image_codec.published_encoding(self.fields.encoding)

    def keeps(self, encoding: str) -> bool:
        """Whether it can be published in ``encoding`` as it is."""
        return not self.is_compressed and self.fields.encoding == encoding

    def as_published(self, encoding: str) -> bytes:
        """The source frame itself as a serialised Image: its own bytes if it has that encoding.

        Raises:
            UnsupportedEncodingError, MalformedImageError: it has another encoding and does not decode.
        """
        return self.cdr if self.keeps(encoding) else self._encoded(self.rgb_HWC, encoding)

    def restored(self, rgb_HWC: npt.NDArray[np.uint8], encoding: str) -> bytes:
        """A restored picture as a serialised Image with this frame's header.

        What restoration left alone keeps the source's bytes where the source has that encoding: row padding,
        alpha, low bits of mono16.
        """
        image = self.fields
        if not self.keeps(encoding):
            return self._encoded(rgb_HWC, encoding)
        data = image_codec.merge(
            encoding, image.data, image.height, image.width, image.step, rgb_HWC, image.is_bigendian
        )
        return write_image(replace(image, data=data.data))

    def _encoded(self, rgb_HWC: npt.NDArray[np.uint8], encoding: str) -> bytes:
        data, step = image_codec.encode(rgb_HWC, encoding)
        height, width = rgb_HWC.shape[:2]
        return write_image(
            replace(
                self.fields, encoding=encoding, height=height, width=width, step=step, is_bigendian=False,
                data=data.data,
            )
        )  # fmt: skip


def overlay_image(header: Header, rgb_HWC: npt.NDArray[np.uint8]) -> bytes:
    """A debug picture as a serialised rgb8 Image."""
    data, step = image_codec.encode(rgb_HWC, "rgb8")
    height, width = rgb_HWC.shape[:2]
    stamp = header.stamp
    return write_image(
        ImageFields(stamp.sec, stamp.nanosec, header.frame_id, "rgb8", data.data, height, width, step=step)
    )


def failure_of(error: Exception) -> Outcome:
    """FAILED_OPEN with the reason that fits ``error``."""
    if isinstance(error, UnsupportedEncodingError):
        reason = RestorationReport.REASON_UNSUPPORTED_ENCODING
    elif isinstance(error, MalformedImageError):
        reason = RestorationReport.REASON_MALFORMED
    else:
        reason = RestorationReport.REASON_RUNTIME_FAULT
    return Outcome(RestorationReport.ACTION_FAILED_OPEN, reason, f"{type(error).__name__}: {error}")


def report_message(
    header: Header, outcome: Outcome, *, latency_ms: float, frames_superseded: int, model: str
) -> RestorationReport:
    """The report of one frame; NaN and empty grids where the pipeline did not get it."""
    nan = float("nan")
    report = RestorationReport(
        header=header, action=int(outcome.action), reason=int(outcome.reason), latency_ms=latency_ms,
        frames_superseded=frames_superseded & 0xFFFFFFFF, model=model,
        blur_probability=nan, rain_probability=nan, lens_drop_probability=nan,
        residual_blur_probability=nan, residual_rain_probability=nan, assessment_ms=nan, restoration_ms=nan,
    )  # fmt: skip
    result = outcome.result
    if result is None:
        return report
    assessment, residual = result.assessment, result.residual
    report.blur_probability = float(assessment.blur_probability)
    report.rain_probability = float(assessment.rain_probability)
    report.lens_drop_probability = float(assessment.lens_drop_probability)
    report.residual_blur_probability = float(residual.blur_probability)
    report.residual_rain_probability = float(residual.rain_probability)
    report.tile_size_px = assessment.tile_size_px
    report.grid_rows, report.grid_columns = assessment.blur_grid.shape
    report.blur_grid = assessment.blur_grid.ravel().tolist()
    report.rain_grid = assessment.rain_grid.ravel().tolist()
    report.restored_grid = result.restored_grid.ravel().tolist()
    report.assessment_ms = float(result.assessment_ms)
    report.restoration_ms = float(result.restoration_ms)
    return report


def restamped(info: CameraInfo, header: Header) -> CameraInfo:
    """The same intrinsics under another header; ``info`` itself is changed and returned."""
    info.header = header
    return info
