# SPDX-License-Identifier: Apache-2.0
"""One camera: its subscriptions and publishers, and the delivery of each frame exactly once."""

import threading
import time
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.result import Action
from restoregan_ros.conversions import overlay_image, report_message, restamped
from restoregan_ros.frame import Frame
from restoregan_ros.msg import RestorationReport
from restoregan_ros.outcome import Outcome
from restoregan_ros.parameters import Settings
from restoregan_ros.source_image import KEEP_SOURCE, SourceImage
from restoregan_ros.stream_statistics import StreamStatistics


class CameraStream:
    """Topics of one camera. Publishers live from construction to ``destroy``, subscriptions while active.

    Args:
        settings: gives the settings in force.
        model: what reports name.
        diagnostics_are_wanted: whether somebody reads /diagnostics, which in monitor mode is reason enough
            to assess a frame.
    """

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        settings: Callable[[], Settings],
        model: str,
        diagnostics_are_wanted: Callable[[], bool],
    ) -> None:
        self.camera = camera
        self.statistics = StreamStatistics()
        self._node = node
        self._settings = settings
        self._model = model
        self._diagnostics_are_wanted = diagnostics_are_wanted
        self._is_compressed = settings().node.image_transport == "compressed"
        self._encoding: str | None = None
        """Encoding of the published stream for its whole life: fixed by the parameter or by the first frame."""
        if settings().node.output_encoding != KEEP_SOURCE:
            self._encoding = settings().node.output_encoding
        self._info: CameraInfo | None = None
        self._next_due_s = 0.0
        self._publishing = threading.RLock()
        self._subscriptions: list = []

        reliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        self._images = node.create_publisher(
            Image,
            f"{camera}/restored/image_raw",
            reliable,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._infos = node.create_publisher(CameraInfo, f"{camera}/restored/camera_info", reliable)
        self._reports = node.create_publisher(
            RestorationReport, f"{camera}/restored/report", QoSProfile(depth=10)
        )
        self._overlays = node.create_publisher(Image, f"{camera}/restored/debug/overlay", reliable)

    def subscribe(self, take_frame: Callable[[Frame], None]) -> None:
        """Start to receive; ``take_frame`` gets what is to be processed."""

        def on_image(cdr: bytes) -> None:
            frame = self._received(cdr)
            if frame is not None:
                take_frame(frame)

        self.statistics = StreamStatistics()
        latest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        base = self._node.resolve_topic_name(f"{self.camera}/image_raw")
        self._subscriptions = [
            self._node.create_subscription(
                CompressedImage if self._is_compressed else Image,
                f"{base}/compressed" if self._is_compressed else base,
                self._contained(on_image),
                latest,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
                raw=True,
            ),
            self._node.create_subscription(
                CameraInfo,
                f"{self.camera}/camera_info",
                self._contained(self._on_info),
                qos_profile_sensor_data,
            ),
            # A driver that publishes its intrinsics once, latched, is heard by such a subscription alone; with
            # any other it is incompatible, which is already known.
            self._node.create_subscription(
                CameraInfo,
                f"{self.camera}/camera_info",
                self._contained(self._on_info),
                QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            ),
        ]

    def unsubscribe(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []
        # rclpy keeps a dead reference to each event handler of a destroyed subscription in the callback group.
        known = self._node.default_callback_group.entities
        known.difference_update([entity for entity in list(known) if entity() is None])

    def destroy(self) -> None:
        self.unsubscribe()
        for publisher in (self._images, self._infos, self._reports, self._overlays):
            self._node.destroy_publisher(publisher)

    def image_is_wanted(self) -> bool:
        return self._images.get_subscription_count() > 0 or self._overlays.get_subscription_count() > 0

    def _is_wanted(self) -> bool:
        if self._reports.get_subscription_count():
            return True
        if self._settings().node.mode == "monitor":
            return self._overlays.get_subscription_count() > 0 or self._diagnostics_are_wanted()
        return self.image_is_wanted()

    def can_pass_at_once(self, frame: Frame) -> bool:
        """Whether the source's own bytes are what is published for it, so that nothing need be decoded."""
        try:
            return frame.source.keeps(self._published_encoding(frame.source))
        except UnsupportedEncodingError:
            return False

    def deliver(self, frame: Frame, outcome: Outcome) -> bool:
        """Publish image, intrinsics and report of a frame, each unless somebody did so before.

        Safe to call from several threads; images leave in the order in which they are claimed.

        Returns:
            Whether the image was published as ``outcome`` says. The report tells of what was published.
        """
        image = self._image_to_publish(frame, outcome)
        with self._publishing:
            is_published = self._settle(frame, outcome, image)
            self.publish_report(frame)
        return is_published

    def publish_image(self, frame: Frame, outcome: Outcome) -> bool:
        """The first part of ``deliver``, for one who has more to find out for the report."""
        return self._settle(frame, outcome, self._image_to_publish(frame, outcome))

    def publish_report(self, frame: Frame, outcome: Outcome | None = None) -> None:
        """The second part: ``outcome`` is what the image was published as, with more that is known by now."""
        with self._publishing:
            if frame.unreported is None:
                return
            report = report_message(
                frame.source.header,
                outcome or frame.unreported,
                latency_ms=frame.latency_ms,
                frames_superseded=self.statistics.superseded,
                model=self._model,
            )
            frame.unreported = None
            self._reports.publish(report)

    def _settle(self, frame: Frame, outcome: Outcome, image: bytes | None) -> bool:
        with self._publishing:
            if frame.is_settled:
                return False
            frame.is_settled = True
            if image is not None:
                self._images.publish(image)
                info = self._info
                if info is not None and self._infos.get_subscription_count():
                    self._infos.publish(restamped(info, frame.source.header))
            frame.latency_ms = (time.monotonic() - frame.received_s) * 1e3
            frame.unreported = outcome
            self.statistics.count_published(outcome, frame.latency_ms)
        return True

    def publish_overlay(self, frame: Frame, outcome: Outcome) -> None:
        """Draw tiles and probabilities, if somebody looks."""
        result = outcome.result
        if result is None or not self._overlays.get_subscription_count():
            return
        from restoregan_core.assessment.overlay import draw_overlay

        self._overlays.publish(
            overlay_image(
                frame.source.header, draw_overlay(result.image, result.assessment, result.restored_grid)
            )
        )

    def _contained(self, callback: Callable) -> Callable:
        """An exception in a callback would end the node."""

        def contained(message: object) -> None:
            try:
                callback(message)
            except Exception as error:
                self._node.get_logger().error(
                    f"{self.camera}: {type(error).__name__}: {error}", throttle_duration_sec=5.0
                )

        return contained

    def _on_info(self, info: CameraInfo) -> None:
        self._info = info

    def _received(self, cdr: bytes) -> Frame | None:
        """The frame to process; None if nobody wants it or it exceeds the camera's rate."""
        received_s = time.monotonic()
        self.statistics.count_received(self._node.get_clock().now().nanoseconds)
        if not self._is_wanted():
            return None
        rate_hz = self._settings().cameras[self.camera].max_rate_hz
        if rate_hz > 0:
            # Due times keep the rate on average; some grace, so that a camera of just that rate loses none.
            if received_s < self._next_due_s - 0.25 / rate_hz:
                self.statistics.count_rate_limited()
                return None
            self._next_due_s = max(self._next_due_s, received_s - 0.5 / rate_hz) + 1 / rate_hz
        source = SourceImage(cdr, self._is_compressed, self._settings().node.max_image_pixels)
        return Frame(self.camera, source, received_s)

    def _published_encoding(self, source: SourceImage) -> str:
        if self._encoding is None:
            return source.published_encoding()
        source.published_encoding()  # raises for what is not decoded
        return self._encoding

    def _image_to_publish(self, frame: Frame, outcome: Outcome) -> bytes | None:
        if frame.is_settled or self._settings().node.mode == "monitor":
            return None
        if not self._images.get_subscription_count():
            return None
        source = frame.source
        try:
            encoding = self._published_encoding(source)
            if outcome.action == Action.RESTORED:
                assert outcome.result is not None
                image = source.restored(outcome.result.image, encoding)
            else:
                image = source.as_published(encoding)
        except (UnsupportedEncodingError, MalformedImageError):
            # Untouched. A compressed source that does not decode has no Image that could be published.
            return None if source.is_compressed else source.cdr
        self._encoding = encoding
        return image
