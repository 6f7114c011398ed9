# SPDX-License-Identifier: Apache-2.0
"""A double of the few names of launch and launch_ros that our launch files use.

The real packages are in no package index. This one resolves arguments and substitutions, builds the command
line that launch_ros would, and starts the processes. What it does not know raises, so that a launch file
cannot come to use something here that was never checked against the real one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml


class Context:
    """What is known while a launch file is resolved."""

    def __init__(self, given: dict[str, str]) -> None:
        self.given = given
        self.configurations: dict[str, str] = dict(given)
        self.arguments: list[DeclareLaunchArgument] = []
        self.nodes: list[Node] = []
        self.handlers: list[Any] = []


class LaunchConfiguration:
    def __init__(self, name: str, *, default: str | None = None) -> None:
        self.name, self.default = name, default

    def perform(self, context: Context) -> str:
        if self.name in context.configurations:
            return context.configurations[self.name]
        if self.default is None:
            raise RuntimeError(f"launch configuration '{self.name}' does not exist")
        return self.default


class DeclareLaunchArgument:
    def __init__(
        self,
        name: str,
        *,
        default_value: str | None = None,
        description: str = "",
        choices: list[str] | None = None,
    ) -> None:
        self.name, self.default_value, self.description = name, default_value, description
        self.choices = choices

    def visit(self, context: Context) -> None:
        context.arguments.append(self)
        if self.name not in context.configurations:
            if self.default_value is None:
                raise RuntimeError(f"required launch argument '{self.name}' was not provided")
            context.configurations[self.name] = self.default_value
        value = context.configurations[self.name]
        if self.choices and value not in self.choices:
            raise RuntimeError(f"argument '{self.name}' is {value!r}, not one of {self.choices}")


class OpaqueFunction:
    def __init__(self, *, function: Any) -> None:
        self.function = function

    def visit(self, context: Context) -> None:
        for entity in self.function(context) or []:
            entity.visit(context)


class LaunchDescription:
    def __init__(self, entities: list[Any]) -> None:
        self.entities = entities

    def visit(self, context: Context) -> None:
        for entity in self.entities:
            entity.visit(context)


class PythonLaunchDescriptionSource:
    def __init__(self, path: str) -> None:
        self.path = path


class IncludeLaunchDescription:
    def __init__(self, source: PythonLaunchDescriptionSource, *, launch_arguments: Any = ()) -> None:
        self.source, self.launch_arguments = source, dict(launch_arguments)

    def visit(self, context: Context) -> None:
        context.configurations.update(self.launch_arguments)
        description(Path(self.source.path)).visit(context)


class OnProcessExit:
    def __init__(self, *, target_action: Any, on_exit: list[Any]) -> None:
        self.target_action, self.on_exit = target_action, on_exit


class RegisterEventHandler:
    def __init__(self, handler: OnProcessExit) -> None:
        self.handler = handler

    def visit(self, context: Context) -> None:
        context.handlers.append(self.handler)


class EmitEvent:
    def __init__(self, *, event: Any) -> None:
        self.event = event


class Shutdown:
    def __init__(self, *, reason: str = "") -> None:
        self.reason = reason


class Node:
    """An executable of a package; ``command`` is what launch_ros would start."""

    def __init__(
        self,
        *,
        package: str,
        executable: str,
        name: str | None = None,
        namespace: str = "",
        parameters: list[Any] | None = None,
        remappings: list[tuple[str, str]] | None = None,
        arguments: list[str] | None = None,
        ros_arguments: list[str] | None = None,
        additional_env: dict[str, str] | None = None,
        respawn: bool = False,
        respawn_delay: float = 0.0,
        output: str = "log",
        emulate_tty: bool = False,
    ) -> None:
        self.package, self.executable, self.name, self.namespace = package, executable, name, namespace
        self.parameters, self.remappings = parameters or [], remappings or []
        self.arguments, self.ros_arguments = arguments or [], ros_arguments or []
        self.additional_env, self.respawn = additional_env or {}, respawn

    def visit(self, context: Context) -> None:
        context.nodes.append(self)

    def command(self, scratch: Path) -> list[str]:
        """The whole command line; parameter dictionaries become files in ``scratch``."""
        from ament_index_python.packages import get_package_prefix

        file = Path(get_package_prefix(self.package), "lib", self.package, self.executable)
        if not os.access(file, os.X_OK):
            raise RuntimeError(f"executable '{self.executable}' not found on '{file.parent}'")
        command = [str(file), *self.arguments, "--ros-args", *self.ros_arguments]
        if self.name:
            command += ["-r", f"__node:={self.name}"]
        if self.namespace:
            command += ["-r", f"__ns:=/{self.namespace.strip('/')}"]
        for entry in self.parameters:
            command += ["--params-file", entry if isinstance(entry, str) else self._file(entry, scratch)]
        for old, new in self.remappings:
            command += ["-r", f"{old}:={new}"]
        return command

    def _file(self, parameters: dict[str, Any], scratch: Path) -> str:
        node = "/".join(["", *filter(None, [self.namespace.strip("/"), self.name or ""])])
        with tempfile.NamedTemporaryFile("w", dir=scratch, suffix=".yaml", delete=False) as file:
            yaml.safe_dump({node if self.name else "/**": {"ros__parameters": parameters}}, file)
        return file.name

    def start(self, scratch: Path, **options: Any) -> "subprocess.Popen[str]":
        """As a process, by this interpreter: the executables ask for the first python3 in PATH."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, **self.additional_env, "PATH": path, **options.pop("env", {})}
        return subprocess.Popen(self.command(scratch), env=environment, text=True, **options)


class LifecycleNode(Node):
    pass


_MODULES = {
    "launch": [LaunchDescription],
    "launch.actions": [
        DeclareLaunchArgument, EmitEvent, IncludeLaunchDescription, OpaqueFunction, RegisterEventHandler,
    ],
    "launch.event_handlers": [OnProcessExit],
    "launch.events": [Shutdown],
    "launch.launch_description_sources": [PythonLaunchDescriptionSource],
    "launch.substitutions": [LaunchConfiguration],
    "launch_ros": [],
    "launch_ros.actions": [LifecycleNode, Node],
}  # fmt: skip


@contextmanager
def installed() -> Iterator[None]:
    """The double in place of launch and launch_ros, for as long as a launch file is loaded."""
    before = {name: sys.modules.get(name) for name in _MODULES}
    for name, members in _MODULES.items():
        module = ModuleType(name)
        module.__path__ = []
        for member in members:
            setattr(module, member.__name__, member)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def description(file: Path) -> LaunchDescription:
    """What a launch file generates."""
    names: dict[str, Any] = {"__file__": str(file), "__name__": "launch_file"}
    with installed():
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["generate_launch_description"]()


def resolve(file: Path, **arguments: str) -> Context:
    """Resolve a launch file with these arguments.

    Raises:
        RuntimeError: an argument that the file does not declare, or a value that it does not allow.
    """
    context = Context(arguments)
    description(file).visit(context)
    unknown = set(arguments) - {argument.name for argument in context.arguments}
    if unknown:
        raise RuntimeError(f"{file.name} declares no argument {', '.join(sorted(unknown))}")
    return context
