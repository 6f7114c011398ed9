# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics says: the node, and of each camera its stream, its blur and its rain.

Names lack the node's, which the publisher puts before them.
"""

import math
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from restoregan_ros.parameters import NodeSettings
from restoregan_ros.stream_statistics import Snapshot

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)


def node_status(
    node: str, state: str, model: str, runtime: str, mode: str, worker_is_overdue: bool
) -> DiagnosticStatus:
    """Lifecycle state, network and what runs it; an error while the worker is overdue.

    Args:
        node: the node's name, which is the status's hardware_id.
        runtime: one line about library, version, device and precision.
    """
    level, message = (ERROR, "worker overdue, sources are passed on") if worker_is_overdue else (OK, state)
    values = {"state": state, "model": model, "runtime": runtime, "mode": mode}
    return _status("network", node, level, message, values)


def camera_statuses(
    camera: str,
    snapshot: Snapshot,
    settings: NodeSettings,
    now_ros_ns: int,
    *,
    is_shed: bool = False,
) -> list[DiagnosticStatus]:
    """Three statuses: the stream, its blur, its rain. Probabilities are means since the last snapshot.

    Args:
        camera: its name is the statuses' hardware_id, by which aggregators and viewers group them.
        is_shed: whether the camera is only assessed because the worker has no time to restore it.
    """
    return [
        _stream_status(f"{camera} stream", camera, snapshot, settings, now_ros_ns, is_shed),
        _quality_status(
            f"{camera} blur",
            camera,
            snapshot.blur_probability,
            settings.blur_warn_probability,
            settings.blur_error_probability,
        ),
        _quality_status(
            f"{camera} rain",
            camera,
            snapshot.rain_probability,
            settings.rain_warn_probability,
            settings.rain_error_probability,
        ),
    ]


def _stream_status(
    name: str, camera: str, snapshot: Snapshot, settings: NodeSettings, now_ros_ns: int, is_shed: bool
) -> DiagnosticStatus:
    age_s = math.nan
    if snapshot.last_received_ros_ns is not None:
        age_s = (now_ros_ns - snapshot.last_received_ros_ns) / 1e9
    if math.isnan(age_s):
        level, message = STALE, "no frame yet"
    elif age_s > settings.stale_after_s:
        level, message = STALE, f"no frame for {age_s:.1f} s"
    elif snapshot.failed_open_lately:
        level, message = WARN, f"{snapshot.failed_open_lately} frames failed open lately"
    elif is_shed:
        level, message = WARN, "overload: assessed, not restored"
    else:
        level, message = OK, f"{snapshot.published_hz:.1f} Hz"
    p50_ms, p99_ms, max_ms = snapshot.latency_ms
    values = {
        "received_hz": f"{snapshot.received_hz:.1f}",
        "published_hz": f"{snapshot.published_hz:.1f}",
        "frames_received": snapshot.received,
        "frames_published": snapshot.published,
        "frames_superseded": snapshot.superseded,
        "frames_rate_limited": snapshot.rate_limited,
        "frames_failed_open": sum(snapshot.failed_open.values()),
        **{f"failed_open.{reason}": count for reason, count in sorted(snapshot.failed_open.items())},
        **{f"last_failure.{reason}": what for reason, what in sorted(snapshot.last_failures.items())},
        "is_shed": is_shed,
        "age_s": f"{age_s:.2f}",
        "latency_p50_ms": f"{p50_ms:.1f}",
        "latency_p99_ms": f"{p99_ms:.1f}",
        "latency_max_ms": f"{max_ms:.1f}",
    }
    return _status(name, camera, level, message, values)


def _quality_status(
    name: str, camera: str, probability: float, warn: float, error: float
) -> DiagnosticStatus:
    if math.isnan(probability):
        level, message = OK, "not assessed"
    else:
        level = ERROR if probability >= error else WARN if probability >= warn else OK
        message = f"mean probability {probability:.2f}"
    values = {"probability": f"{probability:.3f}", "warn": warn, "error": error}
    return _status(name, camera, level, message, values)


def _status(
    name: str, hardware_id: str, level: bytes, message: str, values: Mapping[str, Any]
) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, hardware_id=hardware_id, values=pairs)
