# SPDX-License-Identifier: Apache-2.0
"""The node's parameters, each declared once: name, type, default, range, description, read-only or not.

``parameter_docs.py`` makes the documentation's table and config/restore.param.yaml of these declarations.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from restoregan_core.images.decoding import MAX_IMAGE_PIXELS
from restoregan_core.restoration.gate import DEFAULT_PRESET, PRESETS, GateThresholds
from restoregan_core.restoration.output_bounds import OutputLimits
from restoregan_core.runtimes.protocol import PRECISIONS, RUNTIMES

FROM_PRESET = -1.0
CAMERA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")
IMAGE_SIZE = re.compile(r"[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")

Value = Any
"""bool, int, float, str or tuple of str, as the declaration's default is."""


def _declare(
    default: Value,
    description: str,
    *,
    read_only: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    notes = {"description": description, "read_only": read_only}
    return field(
        default=default, metadata={**notes, "minimum": minimum, "maximum": maximum, "choices": choices}
    )


def _threshold(text: str) -> Any:
    return _declare(FROM_PRESET, f"{text}; -1 takes the preset's", minimum=FROM_PRESET, maximum=1.0)


class _Checked:
    """Checks ranges and choices of a settings dataclass."""

    def __post_init__(self) -> None:
        for declared in fields(self):  # type: ignore[arg-type]
            value, notes = getattr(self, declared.name), declared.metadata
            if notes["choices"] and value not in notes["choices"]:
                raise ValueError(f"{declared.name} is {value!r}; it can be {', '.join(notes['choices'])}")
            if notes["minimum"] is not None and not notes["minimum"] <= value <= notes["maximum"]:
                raise ValueError(
                    f"{declared.name} is {value}; it must lie in {notes['minimum']} to {notes['maximum']}"
                )


@dataclass(frozen=True, kw_only=True)
class NodeSettings(_Checked):
    """Parameters of the node as a whole.

    Raises:
        ValueError: a value out of its range, or values that contradict each other.
    """

    cameras: tuple[str, ...] = _declare(
        ("camera",),
        "names of the cameras: the topics' first part, for example front or stereo/left",
        read_only=True,
    )
    model: str = _declare(
        "lite",
        "network: lite, lite_detector (for detectors like YOLOX), or the path of a .safetensors file",
        read_only=True,
    )
    runtime: str = _declare("auto", "what runs the network", read_only=True, choices=("auto", *RUNTIMES))
    assessor: str = _declare(
        "learned",
        "judge of blur and rain: learned, classical, or the path of a .safetensors file",
        read_only=True,
    )
    device: str = _declare("auto", "auto, cpu, cuda or cuda:N", read_only=True)
    precision: str = _declare(
        "auto",
        "what the network computes in; auto: the runtime's fastest that keeps the image",
        read_only=True,
        choices=PRECISIONS,
    )
    threads: int = _declare(
        0,
        "most threads that restoration and assessment compute on, on the CPU; 0: as many as there are cores",
        read_only=True,
        minimum=0,
        maximum=256,
    )
    build_if_missing: bool = _declare(
        False,
        "let TensorRT build what no engine fits, for minutes; name every size in warm_up_sizes",
        read_only=True,
    )
    engine_dir: str = _declare(
        "",
        "folder of compiled networks, as restoregan build-engine --output names it; empty: the user's cache",
        read_only=True,
    )
    warm_up_sizes: tuple[str, ...] = _declare(
        ("360x640",),
        "HEIGHTxWIDTH of the cameras: engines are built and warmed for these in configure",
        read_only=True,
    )
    image_transport: str = _declare(
        "raw",
        "raw: <cam>/image_raw; compressed: <cam>/image_raw/compressed",
        read_only=True,
        choices=("raw", "compressed"),
    )
    output_encoding: str = _declare(
        "source",
        "source keeps rgb8, bgr8, rgba8, bgra8, mono8, mono16 and publishes others as bgr8; or one for all",
        read_only=True,
        choices=("source", "rgb8", "bgr8", "rgba8", "bgra8", "mono8"),
    )
    autostart: bool = _declare(
        False,
        "configure and activate at start; false where a launch file drives the transitions",
        read_only=True,
    )
    enabled: bool = _declare(True, "false passes every camera through untouched")
    mode: str = _declare(
        "restore", "monitor publishes reports and diagnostics but no images", choices=("restore", "monitor")
    )
    preset: str = _declare(
        DEFAULT_PRESET,
        "thresholds of the gate; rain and cautious restore rain alone, balanced blur too, always every frame, off none",
        choices=tuple(PRESETS),
    )
    blur_on_threshold: float = _threshold(
        "blur probability of tile and frame at which its restoration starts"
    )
    blur_off_threshold: float = _threshold(
        "blur probability of tile and frame below which its restoration stops"
    )
    rain_on_threshold: float = _threshold(
        "rain probability of tile and frame at which its restoration starts"
    )
    rain_off_threshold: float = _threshold(
        "rain probability of tile and frame below which its restoration stops"
    )
    max_image_pixels: int = _declare(
        MAX_IMAGE_PIXELS,
        "larger images (height x width) are not decoded but fail open as MALFORMED: one corrupted header must not"
        " take gigabytes and seconds",
        minimum=1,
        maximum=150_000_000,
    )
    max_pixel_change: int = _declare(
        128,
        "most that restoration may change a pixel's channel, of 255; more is clamped",
        minimum=0,
        maximum=255,
    )
    deadline_ms: float = _declare(
        100.0,
        "after this time from receipt the source frame is published with FAILED_OPEN / DEADLINE",
        minimum=1.0,
        maximum=60_000.0,
    )
    shed_load: bool = _declare(
        True,
        "with several cameras and too little time restore those of highest priority, only assess the others",
    )
    hang_timeout_s: float = _declare(
        10.0,
        "a frame that takes longer, waits for a CPU not counted, ends the process, non-zero, for launch to respawn it",
        minimum=0.5, maximum=600.0,
    )  # fmt: skip
    blur_warn_probability: float = _declare(
        0.5, "mean blur probability over a second at which diagnostics warn", minimum=0.0, maximum=1.0
    )
    blur_error_probability: float = _declare(
        0.9,
        "mean blur probability over a second at which diagnostics report an error",
        minimum=0.0,
        maximum=1.0,
    )
    rain_warn_probability: float = _declare(
        0.5, "mean rain probability over a second at which diagnostics warn", minimum=0.0, maximum=1.0
    )
    rain_error_probability: float = _declare(
        0.9,
        "mean rain probability over a second at which diagnostics report an error",
        minimum=0.0,
        maximum=1.0,
    )
    stale_after_s: float = _declare(
        1.0,
        "diagnostics call a camera stale when its last frame came in longer ago (ROS time)",
        minimum=0.01,
        maximum=3600.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cameras or any(not CAMERA_NAME.fullmatch(name) for name in self.cameras):
            raise ValueError(
                f"cameras is {list(self.cameras)}; give at least one name such as front or stereo/left"
            )
        if len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f"cameras is {list(self.cameras)}; every name may appear once")
        for size in self.warm_up_sizes:
            if size and not IMAGE_SIZE.fullmatch(size):
                raise ValueError(f"warm_up_sizes holds {size!r}; write HEIGHTxWIDTH, for example 720x1280")
            if size and math.prod(map(int, size.split("x"))) > self.max_image_pixels:
                raise ValueError(
                    f"warm_up_sizes holds {size!r}, more than max_image_pixels {self.max_image_pixels}"
                )
        for kind in ("blur", "rain"):
            warn, error = (
                getattr(self, f"{kind}_warn_probability"),
                getattr(self, f"{kind}_error_probability"),
            )
            if warn > error:
                raise ValueError(f"{kind}_warn_probability {warn} exceeds {kind}_error_probability {error}")
        if self.deadline_ms > self.hang_timeout_s * 1e3:
            raise ValueError(f"deadline_ms {self.deadline_ms} exceeds hang_timeout_s {self.hang_timeout_s}")

        self.gate_thresholds()

    def gate_thresholds(self) -> GateThresholds:
        """The preset's thresholds, with those that were set put in.

        Raises:
            ValueError: an off threshold above its on threshold.
        """
        given = {
            name.removesuffix("_threshold"): getattr(self, name)
            for name in ("blur_on_threshold", "blur_off_threshold", "rain_on_threshold", "rain_off_threshold")
            if getattr(self, name) != FROM_PRESET
        }
        return replace(PRESETS[self.preset], **given)

    def output_limits(self) -> OutputLimits:
        """Bounds on what the network may do."""
        return OutputLimits(max_pixel_change=self.max_pixel_change)


@dataclass(frozen=True, kw_only=True)
class CameraSettings(_Checked):
    """Parameters of one camera, named ``<cam>.enabled`` and so on (a / in the camera's name becomes a dot).

    Raises:
        ValueError: a value out of its range.
    """

    enabled: bool = _declare(True, "false passes this camera through untouched")
    max_rate_hz: float = _declare(
        0.0,
        "frames beyond this rate are dropped: no image, no report; 0 accepts all",
        minimum=0.0,
        maximum=1000.0,
    )
    priority: int = _declare(
        1, "turns on the worker relative to the other cameras when frames wait", minimum=1, maximum=10
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A consistent set of all parameters."""

    node: NodeSettings
    cameras: Mapping[str, CameraSettings]

    def changed(self, values: Mapping[str, Value]) -> "Settings":
        """These settings with ``values`` (by full parameter name) put in; names of others are passed over.

        Raises:
            ValueError: the result would be out of range or contradict itself.
        """
        node_names = {declared.name for declared in fields(NodeSettings)}
        node = replace(self.node, **{name: value for name, value in values.items() if name in node_names})
        cameras = {}
        for camera, settings in self.cameras.items():
            names = {
                camera_parameter(camera, declared.name): declared.name for declared in fields(CameraSettings)
            }
            cameras[camera] = replace(
                settings, **{names[n]: value for n, value in values.items() if n in names}
            )
        return Settings(node=node, cameras=cameras)


def camera_parameter(camera: str, name: str) -> str:
    return f"{camera.replace('/', '.')}.{name}"


def declare_parameters(node: Any) -> Settings:
    """Declare every parameter on an rclpy node and read what was set for it.

    Raises:
        ValueError: values of the wrong type, out of range, or that contradict each other.
    """
    settings = NodeSettings(
        **{declared.name: _declare_one(node, declared.name, declared) for declared in fields(NodeSettings)}
    )
    cameras = {
        camera: CameraSettings(
            **{
                d.name: _declare_one(node, camera_parameter(camera, d.name), d)
                for d in fields(CameraSettings)
            }
        )
        for camera in settings.cameras
    }
    return Settings(node=settings, cameras=cameras)


def _declare_one(node: Any, name: str, declared: Field) -> Value:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

    notes = declared.metadata
    descriptor = ParameterDescriptor(description=notes["description"], read_only=notes["read_only"])
    if notes["choices"]:
        descriptor.additional_constraints = "one of: " + ", ".join(notes["choices"])
    if isinstance(declared.default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=notes["minimum"], to_value=notes["maximum"])
        ]
    elif notes["minimum"] is not None:
        descriptor.integer_range = [IntegerRange(from_value=notes["minimum"], to_value=notes["maximum"])]
    default = list(declared.default) if isinstance(declared.default, tuple) else declared.default
    try:
        value = node.declare_parameter(name, default, descriptor).value
    except InvalidParameterTypeException as error:
        raise ValueError(f"{error}; {_how_to_write(default)}") from error
    except InvalidParameterValueException as error:
        raise ValueError(str(error)) from error
    if value is None:  # what ROS 2 makes of []: a list of no type, hence no value
        if not isinstance(default, list):
            raise ValueError(f"{name} has no value; {_how_to_write(default)}")
        value = []
    return tuple(value) if isinstance(value, list) else value


def _how_to_write(default: Any) -> str:
    """The remedy for a value whose type YAML has guessed otherwise."""
    if isinstance(default, str):
        return "put the text in quotes: off, on, yes, no and numbers are none without them"
    if isinstance(default, float):
        return "write the number with a point, as 50.0"
    if isinstance(default, list):
        return "write a list of texts, as ['360x640']"
    return f"write it like its default, {str(default).lower()}"
