# SPDX-License-Identifier: Apache-2.0
"""Parameters that were set for the node, but that it does not have: ROS passes over these without a word."""

from dataclasses import fields
from typing import Any

from rclpy.parameter import Parameter

from restoregan_core.wording import did_you_mean
from restoregan_ros.parameters import CameraSettings, Value

_CAMERA_DEFAULTS = {declared.name: declared.default for declared in fields(CameraSettings)}


def ignored_parameters(node: Any) -> str:
    """A line that names them, each with the parameter that may be meant; "" if there are none.

    To be called when the node has declared all of its own.
    """
    with node.handle:
        given = node.handle.get_parameters(Parameter)
    known = node.get_parameters_by_prefix("")
    ignored = [
        name + did_you_mean(name, known)
        for name, parameter in sorted(given.items())
        if name not in known and not _changes_nothing(name, parameter.value)
    ]
    return f"ignored, for this node has no such parameter: {', '.join(ignored)}" if ignored else ""


def _changes_nothing(name: str, value: Value) -> bool:
    """QoS overrides are declared later, with their topics; our file has the defaults of a camera that may be absent."""
    camera, _, own_name = name.rpartition(".")
    return name.startswith("qos_overrides.") or (camera != "" and _CAMERA_DEFAULTS.get(own_name) == value)
