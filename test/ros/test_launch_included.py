# SPDX-License-Identifier: Apache-2.0
"""restore.launch.py in a vehicle's own bring-up, in XML, YAML and Python, by the real launch."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dds_segments
import psutil
import pytest
import rclpy
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from ros_probe import Probe, image_message, wait_until

for needed in ("launch_ros", "launch_xml", "launch_yaml"):
    pytest.importorskip(needed, reason="a ROS distribution has it")

# Of the node by any namespace, and of every node.
PARAMETERS = """
/**/restore_node:
  ros__parameters:
    deadline_ms: 4444.0
/**:
  ros__parameters:
    preset: "off"
"""
BRINGUPS = {
    "xml": """
<launch>
  <group>
    <push_ros_namespace namespace="car"/>
    <set_parameter name="stale_after_s" value="7.5"/>
    <set_remap from="front/image_raw" to="driver/image_raw"/>
    <set_remap from="front/restored/image_raw" to="driver/restored/image_raw"/>
    <set_remap from="front/restored/report" to="driver/restored/report"/>
    <include file="$(find-pkg-share restoregan_ros)/launch/restore.launch.py">
      <arg name="cameras" value="front"/>
      <arg name="params_file" value="PARAMETERS"/>
    </include>
  </group>
</launch>
""",
    "yaml": """
launch:
- group:
  - push_ros_namespace: {namespace: car}
  - set_parameter: {name: stale_after_s, value: "7.5"}
  - set_remap: {from: front/image_raw, to: driver/image_raw}
  - set_remap: {from: front/restored/image_raw, to: driver/restored/image_raw}
  - set_remap: {from: front/restored/report, to: driver/restored/report}
  - include:
      file: $(find-pkg-share restoregan_ros)/launch/restore.launch.py
      arg:
      - {name: cameras, value: front}
      - {name: params_file, value: PARAMETERS}
""",
    "py": """
from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import PushRosNamespace, SetParameter, SetRemap
from launch_ros.substitutions import FindPackageShare

OURS = PathJoinSubstitution([FindPackageShare("restoregan_ros"), "launch", "restore.launch.py"])
TOPICS = ("image_raw", "restored/image_raw", "restored/report")

def generate_launch_description():
    return LaunchDescription([GroupAction([
        PushRosNamespace("car"),
        SetParameter("stale_after_s", 7.5),
        *(SetRemap(f"front/{topic}", f"driver/{topic}") for topic in TOPICS),
        IncludeLaunchDescription(OURS, launch_arguments={"cameras": "front", "params_file": "PARAMETERS"}.items()),
    ])])
""",
}
# As `ros2 launch FILE` does.
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource

service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(AnyLaunchDescriptionSource(sys.argv[1]))])
)
sys.exit(service.run())
"""


@pytest.fixture(params=BRINGUPS)
def bringup(request: pytest.FixtureRequest, tmp_path: Path, own_domain_id: int) -> Iterator[subprocess.Popen]:
    """The process of launch itself."""
    parameters = tmp_path / "mine.yaml"
    parameters.write_text(PARAMETERS)
    file = tmp_path / f"bringup.launch.{request.param}"
    file.write_text(BRINGUPS[request.param].replace("PARAMETERS", str(parameters)))
    prefixes = [sys.prefix, *filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))]
    environment = {
        **os.environ,
        "ROS_DOMAIN_ID": str(own_domain_id),
        "AMENT_PREFIX_PATH": os.pathsep.join(prefixes),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with (tmp_path / "launch.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(file)], env=environment, stdout=log, stderr=log
        )
    yield process
    for child in psutil.Process(process.pid).children() if process.poll() is None else []:
        child.kill()
    dds_segments.end(process)


def node_of(bringup: subprocess.Popen) -> int:
    """The process of the node; 0 while there is none."""
    assert bringup.poll() is None, "launch ended"
    for child in psutil.Process(bringup.pid).children():
        with contextlib.suppress(psutil.Error):  # killed, and not yet waited for
            if "restore_node" in " ".join(child.cmdline()):
                return child.pid
    return 0


def state_of(probe: Probe) -> int:
    return probe.call(GetState, "get_state", GetState.Request()).current_state.id


def parameter(probe: Probe, name: str) -> object:
    answer = probe.call(GetParameters, "get_parameters", GetParameters.Request(names=[name]))
    return rclpy.parameter.parameter_value_to_python(answer.values[0])


@pytest.mark.slow
def test_an_including_launch_file_decides_namespace_topics_and_parameters_and_a_killed_node_comes_back(
    bringup: subprocess.Popen, make_probe: Callable[..., Probe]
) -> None:
    probe = make_probe("driver", namespace="car").wait_connected()
    sent = image_message()
    image, _ = probe.exchange(sent)
    assert image == sent
    assert state_of(probe) == State.PRIMARY_STATE_ACTIVE
    assert parameter(probe, "deadline_ms") == 4444.0
    assert parameter(probe, "preset") == "off"
    assert parameter(probe, "stale_after_s") == 7.5
    assert parameter(probe, "cameras") == ["front"]

    killed = node_of(bringup)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: node_of(bringup) not in (0, killed), what="the node again")
    again = make_probe("driver", namespace="car").wait_connected()
    assert again.exchange(sent)[0] == sent

    bringup.send_signal(signal.SIGINT)
    assert bringup.wait(60) == 0
