# SPDX-License-Identifier: Apache-2.0
"""The launch files start what they say: by a double of the launch API, and by the real one where it is."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import dds_segments
import pytest
import yaml
from bags import read_topic, until, write_bag
from launch_double import Context, Node, resolve

ROOT = Path(__file__).resolve().parents[2]
RESTORE, REPLAY = ROOT / "launch" / "restore.launch.py", ROOT / "launch" / "replay.launch.py"
PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")


@pytest.fixture(autouse=True)
def package_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as it was built into this interpreter's environment, with no profile chosen."""
    prefixes = [sys.prefix, *filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))]
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(prefixes))
    for name in PROFILES:
        monkeypatch.delenv(name, raising=False)


def parameters(node: Node) -> dict[str, object]:
    """What is set beyond the parameter file."""
    return node.parameters[1]


def only_node(context: Context) -> Node:
    (node,) = context.nodes
    return node


def test_by_default_the_parameter_file_decides_everything_but_the_start() -> None:
    node = only_node(resolve(RESTORE))
    assert Path(node.parameters[0]).samefile(ROOT / "config" / "restore.param.yaml")
    assert parameters(node) == {"autostart": True}
    assert (node.executable, node.name, node.respawn) == ("restore_node", "restore_node", True)


def test_arguments_that_are_given_override_the_parameter_file() -> None:
    node = only_node(
        resolve(
            RESTORE, cameras="front, stereo/left", namespace="car", model="vehicle", device="cuda:1",
            preset="cautious", mode="monitor", image_transport="compressed", autostart="false",
            use_sim_time="true", log_level="debug", respawn="false", params_file="/mine.yaml",
        )
    )  # fmt: skip
    assert node.parameters[0] == "/mine.yaml"
    assert parameters(node) == {
        "cameras": ["front", "stereo/left"], "model": "vehicle", "device": "cuda:1", "preset": "cautious",
        "mode": "monitor", "image_transport": "compressed", "autostart": False, "use_sim_time": True,
    }  # fmt: skip
    assert (node.namespace, node.respawn) == ("car", False)
    assert node.ros_arguments == ["--log-level", "debug"]


def test_the_simulated_time_of_the_including_launch_file_is_left_alone() -> None:
    assert "use_sim_time" not in parameters(only_node(resolve(RESTORE)))
    assert parameters(only_node(resolve(RESTORE, use_sim_time="false")))["use_sim_time"] is False


@pytest.mark.parametrize(
    "wrong", [{"mode": "resotre"}, {"autostart": "maybe"}, {"preset": "bold"}, {"camera": "front"}]
)
def test_wrong_arguments_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match=next(iter(wrong))):
        resolve(RESTORE, **wrong)


def test_the_large_image_profile_is_set_under_both_names() -> None:
    environment = only_node(resolve(RESTORE)).additional_env
    assert set(environment) == set(PROFILES)
    for file in environment.values():
        assert Path(file).samefile(ROOT / "config" / "fastdds_large_images.xml")


def test_the_profile_reaches_other_machines_and_fits_its_segment() -> None:
    from xml.etree import ElementTree

    text = (ROOT / "config" / "fastdds_large_images.xml").read_text()
    assert "interfaceWhiteList" not in text
    found = {element.tag.rpartition("}")[2]: element.text for element in ElementTree.fromstring(text).iter()}
    assert int(found["maxMessageSize"] or 0) <= int(found["segment_size"] or 0)
    assert "UDPv4" in text


def test_a_profile_of_the_users_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only_node(resolve(RESTORE, large_image_profile="false")).additional_env == {}
    monkeypatch.setenv(PROFILES[0], "/mine.xml")
    assert only_node(resolve(RESTORE)).additional_env == {}


def test_every_parameter_that_the_launch_file_sets_is_one_of_the_node() -> None:
    node = only_node(
        resolve(
            RESTORE, cameras="a", model="b", device="cpu", preset="off", mode="monitor", image_transport="raw"
        )
    )
    declared = yaml.safe_load((ROOT / "config" / "restore.param.yaml").read_text())["/**"]["ros__parameters"]
    assert set(parameters(node)) - {"use_sim_time"} <= set(declared)


@pytest.mark.parametrize(
    ("arguments", "remapped"),
    [
        ({}, []),
        ({"image_topic": "/cam0"}, [("/cam0", "camera/image_raw")]),
        (
            {
                "image_topic": "/cam0",
                "camera_info_topic": "/info",
                "cameras": "front,left",
                "namespace": "/car/",
            },
            [("/cam0", "front/image_raw"), ("/info", "front/camera_info")],
        ),
        (
            {"image_topic": "/cam0", "image_transport": "compressed"},
            [("/cam0", "camera/image_raw/compressed")],
        ),
    ],
)
def test_replay_feeds_the_bags_topic_to_the_first_camera(
    arguments: dict[str, str], remapped: list[tuple[str, str]]
) -> None:
    context = resolve(REPLAY, bag="drive", output="restored", **arguments)
    recorder, node, player = context.nodes
    assert [n.executable for n in (recorder, node, player)] == ["bag_recorder", "restore_node", "bag_player"]
    assert player.remappings == remapped
    assert player.namespace == node.namespace
    assert player.arguments[0] == "drive"
    assert "--clock" in player.arguments
    assert set(player.additional_env) == set(PROFILES)
    assert parameters(node)["use_sim_time"] is True
    assert recorder.arguments[0] == "restored"
    (handler,) = context.handlers
    assert handler.target_action is recorder


def test_replay_passes_the_bag_nodes_options_that_they_take() -> None:
    from restoregan_ros import bag_player, bag_recorder

    context = resolve(
        REPLAY, bag="drive", output="nowhere/yet", rate="0.5", start="1", end="4", storage="sqlite3"
    )
    recorder, _, player = context.nodes
    options = bag_player.parse_arguments(player.arguments)
    assert (options.rate, options.start_s, options.end_s, options.clock) == (0.5, 1.0, 4.0, True)
    recorded = bag_recorder.parse_arguments(recorder.arguments)
    assert (recorded.storage, recorded.idle_timeout_s) == ("sqlite3", 3.0)


@pytest.fixture
def untrained(tmp_path: Path) -> str:
    from restoregan_core.zoo import build_generator, save_generator

    save_generator(build_generator("lite"), tmp_path / "untrained.safetensors", {})
    return str(tmp_path / "untrained.safetensors")


@pytest.fixture
def replaying(domain_id: int, tmp_path: Path, untrained: str) -> Iterator[dict]:
    """The processes of replay.launch.py, started as it says."""
    bag = write_bag(tmp_path / "bag", frames=6, rate_hz=2.0)
    context = resolve(
        REPLAY, bag=str(bag), output=str(tmp_path / "out"), mode="restore", preset="off", model=untrained,
        namespace="car", cameras="front", image_topic="/camera/image_raw", idle_timeout="5",
    )  # fmt: skip
    environment = {"ROS_DOMAIN_ID": str(domain_id)}
    started = {}
    for node in context.nodes:
        log = (tmp_path / f"{node.executable}.log").open("w")
        started[node.executable] = node.start(tmp_path, env=environment, stdout=log, stderr=log)
    yield started
    for child in started.values():
        dds_segments.end(child)


@pytest.mark.slow
def test_replay_plays_restores_and_records_over_dds(replaying: dict, tmp_path: Path) -> None:
    until(lambda: replaying["bag_recorder"].poll() is not None, "the recording ended by itself")
    logs = "\n".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert replaying["bag_recorder"].returncode == 0, logs
    assert replaying["bag_player"].wait(20) == 0
    replaying["restore_node"].send_signal(signal.SIGINT)
    assert replaying["restore_node"].wait(20) == 0
    reports = read_topic(tmp_path / "out", "/car/front/restored/report")
    images = read_topic(tmp_path / "out", "/car/front/restored/image_raw")
    assert len(reports) == len(images) > 0
    sent = {raw for _, raw in read_topic(tmp_path / "bag", "/camera/image_raw")}
    assert {raw for _, raw in images} <= sent  # preset off: bit for bit, header included


@pytest.mark.parametrize("file", [RESTORE, REPLAY])
def test_the_real_launch_resolves_it_likewise(file: Path) -> None:
    launch = pytest.importorskip("launch", reason="launch comes with ROS only; the double stands in for it")
    pytest.importorskip("launch_ros")
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    described = get_launch_description_from_python_launch_file(str(file))
    names = {argument.name for argument in described.get_launch_arguments()}
    doubled = resolve(file, **({"bag": "b", "output": "o"} if file == REPLAY else {}))
    assert names <= {argument.name for argument in doubled.arguments}
    assert isinstance(described, launch.LaunchDescription)
