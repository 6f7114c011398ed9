# SPDX-License-Identifier: Apache-2.0
"""Tests over real processes and real DDS: on this machine only, each module in a DDS domain of its own."""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
if os.environ.get("ROS_DISTRO") == "humble":  # which knows only the older name
    os.environ["ROS_LOCALHOST_ONLY"] = "1"
for variable in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"):
    os.environ[variable] = str(ROOT / "config" / "fastdds_large_images.xml")

HAS_ROS = bool(find_spec("rclpy") and find_spec("restoregan_ros.msg"))
if HAS_ROS:
    import dds_segments
    import rclpy
    from ros_probe import NodeProcess, Probe

    from restoregan_ros.dds_domain import own_domain
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    return "" if HAS_ROS else "no ROS 2 with our message built: test/ros is left out (make test sets it up)"


@pytest.fixture(scope="module", autouse=True)
def no_shared_memory_is_left() -> Iterator[None]:
    """What a node that was killed shared with the test's own process is nobody's only when that has let go, too.

    Of this process the port stays, where a node that ended without letting go of it was counted as its user.
    """
    yield
    if HAS_ROS:
        dds_segments.remove_left()


@pytest.fixture(scope="module")
def domain_id() -> Iterator[int]:
    """A DDS domain of this module's own."""
    with own_domain() as domain:
        yield domain


def _context(domain_id: int) -> Iterator["rclpy.Context"]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain_id)
    yield context
    rclpy.try_shutdown(context=context)


@pytest.fixture(scope="module")
def context(domain_id: int) -> Iterator["rclpy.Context"]:
    yield from _context(domain_id)


def _shares_the_module(request: pytest.FixtureRequest) -> bool:
    return not {"start_shared_node", "context", "domain_id"}.isdisjoint(request.fixturenames)


@pytest.fixture
def own_domain_id(request: pytest.FixtureRequest) -> Iterator[int]:
    """The module's domain for a test that shares something of it, else one of the test's own.

    A participant that lives on beside nodes that end and start still writes to the shared memory of the one before, for
    seconds, until it finds it dead (docs/reliability.md).
    """
    if _shares_the_module(request):
        yield request.getfixturevalue("domain_id")
        return
    with own_domain() as domain:
        yield domain


@pytest.fixture
def own_context(request: pytest.FixtureRequest, own_domain_id: int) -> Iterator["rclpy.Context"]:
    """As ``own_domain_id``."""
    if _shares_the_module(request):
        yield request.getfixturevalue("context")
        return
    yield from _context(own_domain_id)


def _starting(
    domain_id: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., "NodeProcess"]]:
    """Gives a function that starts restore_node with parameters given by keyword; ends what it started."""
    started: list[NodeProcess] = []

    def start(
        *,
        module: str = "restoregan_ros.restore_node",
        namespace: str = "",
        domain: int = domain_id,
        **parameters: object,
    ) -> NodeProcess:
        log = tmp_path_factory.mktemp("node") / "log.txt"
        started.append(NodeProcess(module, domain, log, namespace, parameters))
        return started[-1]

    yield start
    for process in started:
        process.kill()
    dds_segments.remove_left()


def _probing(context: "rclpy.Context") -> Iterator[Callable[..., "Probe"]]:
    """Gives a function that makes driver and detector of a camera; closes them."""
    made: list[Probe] = []

    def make(camera: str = "camera", **options: object) -> Probe:
        made.append(Probe(context, camera, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    dds_segments.remember()  # before the last node of the context goes, and its participant with it
    for probe in made:
        probe.close()


@pytest.fixture
def start_node(
    own_domain_id: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., "NodeProcess"]]:
    """For one test."""
    yield from _starting(own_domain_id, tmp_path_factory)


@pytest.fixture
def make_probe(own_context: "rclpy.Context") -> Iterator[Callable[..., "Probe"]]:
    """For one test."""
    yield from _probing(own_context)


# Shared by the tests of a module.
start_shared_node = pytest.fixture(scope="module")(_starting)
make_shared_probe = pytest.fixture(scope="module")(_probing)
