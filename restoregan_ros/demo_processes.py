# SPDX-License-Identifier: Apache-2.0
"""The demo's processes: children with a log of their own, in a ROS domain of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from restoregan_core.files import write_text
from restoregan_ros.dds_domain import own_domain


def config_folder() -> Path:
    """The package's ``config`` folder: of the sourced ROS or of this interpreter, else of the checkout.

    Raises:
        FileNotFoundError: in none of them.
    """
    try:
        share = Path(get_package_share_directory("restoregan_ros"))
    except (PackageNotFoundError, OSError):  # OSError: no AMENT_PREFIX_PATH
        share = Path(sys.prefix, "share", "restoregan_ros")
    folders = [share / "config", Path(__file__).resolve().parent.parent / "config"]
    for folder in folders:
        if (folder / "fastdds_large_images.xml").is_file():
            return folder
    raise FileNotFoundError(f"restoregan_ros is installed without {folders[0]}: build and source it again")


class ProcessFailedError(Exception):
    """A process of the demo ended on its own; the message holds the end of its log."""


class DemoProcess:
    """A child process whose output goes to a log file."""

    def __init__(self, name: str, log_file: Path, env: dict[str, str], arguments: Sequence[str]) -> None:
        self.name = name
        self._log_file = log_file
        with log_file.open("w") as log:
            self._child = subprocess.Popen(
                [sys.executable, *arguments], env=env, stdout=log, stderr=subprocess.STDOUT
            )

    def log(self) -> str:
        return self._log_file.read_text(errors="replace")

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def check_is_running(self) -> None:
        if self.has_ended():
            self._fail(f"ended with code {self._child.returncode}")
        if "cannot configure" in self.log():
            self._fail("cannot load its network")

    def check_is_well(self) -> None:
        if self._child.poll() not in (None, 0):
            self._fail(f"ended with code {self._child.returncode}")

    def stop(self) -> None:
        if not self.has_ended():
            self._child.send_signal(signal.SIGINT)
            try:
                self._child.wait(timeout=30)  # killed, a node would leave its shared memory
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def _fail(self, what: str) -> NoReturn:
        last = "\n".join(self.log().splitlines()[-12:])
        raise ProcessFailedError(f"the {self.name} {what}:\n{last}")


@contextmanager
def process(name: str, logs: Path, env: dict[str, str], arguments: Sequence[str]) -> Iterator[DemoProcess]:
    """A child that is stopped at the end, come what may."""
    child = DemoProcess(name, logs / f"{name}.log", env, arguments)
    try:
        yield child
    finally:
        child.stop()


@contextmanager
def ros_environment(output: Path) -> Iterator[dict[str, str]]:
    """A domain of our own until the block ends, on this machine only, with room for large images.

    The profile's white list keeps the packets on this machine. A discovery range of LOCALHOST would do that, too, but
    it adds Fast DDS' small default transports to the profile's, and large images are lost again.
    """
    profile = (config_folder() / "fastdds_large_images.xml").read_text()
    loopback = "<type>UDPv4</type><interfaceWhiteList><address>127.0.0.1</address></interfaceWhiteList>"
    assert profile.count("<type>UDPv4</type>") == 1
    file = output.resolve() / "fastdds_this_machine_only.xml"
    write_text(file, profile.replace("<type>UDPv4</type>", loopback))
    with own_domain() as domain:
        yield {
            **os.environ,
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
            "FASTDDS_DEFAULT_PROFILES_FILE": str(file),
            "FASTRTPS_DEFAULT_PROFILES_FILE": str(file),
            "PYTHONUNBUFFERED": "1",
        }
