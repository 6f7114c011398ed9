# SPDX-License-Identifier: Apache-2.0
"""Start restore_node with the Fast DDS profile that large images need.

    ros2 launch restoregan_ros restore.launch.py cameras:=front,left mode:=monitor

An argument that is left empty leaves the matter to the parameter file, so that a file of your own is never
overridden by a default of this one, nor is a ``SetParameter`` of the launch file that includes it. Included under
``PushRosNamespace``, node and topics move along. ``ros2 launch restoregan_ros restore.launch.py --show-args`` lists
all arguments.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

from restoregan_ros.fastdds_profile import profile_environment

FLAGS = ["true", "false"]
ARGUMENTS = [
    DeclareLaunchArgument("cameras", default_value="", description="Names, comma-separated: front,left."),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
    DeclareLaunchArgument(
        "model", default_value="", description="lite, lite_detector, or a .safetensors file."
    ),
    DeclareLaunchArgument("device", default_value="", description="Where it runs: auto, cpu, cuda, cuda:1."),
    DeclareLaunchArgument(
        "image_transport", default_value="", choices=["", "raw", "compressed"], description="Of the sources."
    ),
    DeclareLaunchArgument(
        "mode",
        default_value="",
        choices=["", "restore", "monitor"],
        description="monitor publishes no images.",
    ),
    DeclareLaunchArgument(
        "preset",
        default_value="",
        choices=["", "rain", "cautious", "balanced", "always", "off"],
        description="How readily frames are restored.",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        choices=FLAGS,
        description="Configure and activate at once; the node does so itself, so after a respawn too.",
    ),
    DeclareLaunchArgument(
        "params_file", default_value="", description="Parameter file; empty: config/restore.param.yaml."
    ),
    DeclareLaunchArgument(
        "use_sim_time", default_value="", choices=["", *FLAGS], description="Take the time from /clock."
    ),
    DeclareLaunchArgument(
        "log_level", default_value="info", description="debug, info, warn, error or fatal."
    ),
    DeclareLaunchArgument(
        "respawn", default_value="true", choices=FLAGS, description="Start again after a crash or a hang."
    ),
    DeclareLaunchArgument(
        "large_image_profile",
        default_value="true",
        choices=FLAGS,
        description="Set config/fastdds_large_images.xml, unless the environment names a profile already.",
    ),
]


def start_node(context):
    """Resolve the arguments; only those that were given become parameters."""

    def argument(name):
        return LaunchConfiguration(name).perform(context)

    share = Path(get_package_share_directory("restoregan_ros"))

    parameters = {"autostart": argument("autostart") == "true"}
    if argument("use_sim_time"):
        parameters["use_sim_time"] = argument("use_sim_time") == "true"
    for name in ("model", "device", "image_transport", "mode", "preset"):
        if argument(name):
            parameters[name] = argument(name)
    cameras = [camera.strip() for camera in argument("cameras").split(",") if camera.strip()]
    if cameras:
        parameters["cameras"] = cameras

    node = LifecycleNode(
        package="restoregan_ros",
        executable="restore_node",
        name="restore_node",
        namespace=argument("namespace"),
        parameters=[argument("params_file") or str(share / "config" / "restore.param.yaml"), parameters],
        ros_arguments=["--log-level", argument("log_level")],
        additional_env=profile_environment(share) if argument("large_image_profile") == "true" else {},
        respawn=argument("respawn") == "true",
        respawn_delay=2.0,
        output="screen",
        emulate_tty=True,
    )
    return [node]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_node)])
