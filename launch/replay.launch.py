# SPDX-License-Identifier: Apache-2.0
"""Play a bag through restore_node on the bag's own clock and record what it publishes.

    ros2 launch restoregan_ros replay.launch.py bag:=drive output:=restored image_topic:=/front/image_raw

Every argument of restore.launch.py may be given as well. The launch ends when the bag has been played and
nothing more has come from the node for ``idle_timeout`` seconds.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from restoregan_ros.fastdds_profile import profile_environment

RECORDED = ["*/restored/image_raw", "*/restored/camera_info", "*/restored/report"]

ARGUMENTS = [
    DeclareLaunchArgument("bag", description="Folder of the rosbag2 to play."),
    DeclareLaunchArgument("output", description="Folder of the rosbag2 to write; must not exist."),
    DeclareLaunchArgument(
        "storage", default_value="mcap", choices=["mcap", "sqlite3"], description="Of the output."
    ),
    DeclareLaunchArgument("rate", default_value="1.0", description="0.5 plays at half speed."),
    DeclareLaunchArgument("start", default_value="0.0", description="Seconds of the bag to skip."),
    DeclareLaunchArgument("end", default_value="", description="Second at which to stop; empty: at its end."),
    DeclareLaunchArgument(
        "image_topic",
        default_value="",
        description="Image topic in the bag of the first camera; empty: named as the node expects.",
    ),
    DeclareLaunchArgument("camera_info_topic", default_value="", description="Likewise."),
    DeclareLaunchArgument("idle_timeout", default_value="3.0", description="Seconds of silence that end it."),
]


def play_restore_record(context):
    """Resolve the arguments into player, node and recorder."""

    def argument(name, default=""):
        return LaunchConfiguration(name, default=default).perform(context)

    share = Path(get_package_share_directory("restoregan_ros"))
    camera = argument("cameras").partition(",")[0].strip() or "camera"
    has_profile = argument("large_image_profile", "true") == "true"
    environment = profile_environment(share) if has_profile else {}
    suffix = "/compressed" if argument("image_transport") == "compressed" else ""
    remappings = [
        (bag_topic, f"{camera}/{name}")
        for bag_topic, name in (
            (argument("image_topic"), f"image_raw{suffix}"),
            (argument("camera_info_topic"), "camera_info"),
        )
        if bag_topic
    ]

    span = ["--start", argument("start")] + (["--end", argument("end")] if argument("end") else [])
    player = Node(
        package="restoregan_ros",
        executable="bag_player",
        arguments=[
            argument("bag"), "--rate", argument("rate"), *span, "--clock",
            "--wait", "300", "--await-topics", "*/restored/report", "--settle", "2",
        ],
        namespace=argument("namespace"),  # what is remapped lands where the node listens
        remappings=remappings,
        additional_env=environment,
        output="screen",
        emulate_tty=True,
    )  # fmt: skip
    recorder = Node(
        package="restoregan_ros",
        executable="bag_recorder",
        arguments=[
            argument("output"), "--storage", argument("storage"),
            "--idle-timeout", argument("idle_timeout"), "--topics", *RECORDED,
        ],
        parameters=[{"use_sim_time": True}],
        output="screen",
        emulate_tty=True,
    )  # fmt: skip
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(share / "launch" / "restore.launch.py")),
        launch_arguments={"use_sim_time": "true"}.items(),
    )
    end_with_recorder = RegisterEventHandler(
        OnProcessExit(
            target_action=recorder, on_exit=[EmitEvent(event=Shutdown(reason="the bag was played"))]
        )
    )
    return [end_with_recorder, recorder, node, player]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=play_restore_record)])
