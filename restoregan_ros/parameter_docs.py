# SPDX-License-Identifier: Apache-2.0
"""The parameters' declarations as documentation.

    python -m restoregan_ros.parameter_docs markdown    the table of docs/parameters.md
    python -m restoregan_ros.parameter_docs yaml        config/restore.param.yaml

Both files are tested against the declarations.
"""

import sys
from dataclasses import Field, fields

from restoregan_ros.parameters import CameraSettings, NodeSettings, Value, camera_parameter


def markdown_table() -> str:
    """The table of all parameters for the documentation."""
    lines = ["| parameter | type | default | range | at run time | meaning |", "|---|---|---|---|---|---|"]
    for name, declared in all_declared("<cam>"):
        notes = declared.metadata
        reach = " / ".join(notes["choices"]) or (
            "" if notes["minimum"] is None else f"{notes['minimum']} to {notes['maximum']}"
        )
        cells = (
            f"`{name}`",
            _type_name(declared),
            f"`{_yaml(declared.default)}`",
            reach,
            "read-only" if notes["read_only"] else "yes",
            notes["description"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def yaml_text() -> str:
    """config/restore.param.yaml: every parameter at its default, with its description."""
    lines = [
        "# Every parameter of restore_node at its default. From python -m restoregan_ros.parameter_docs yaml",
        "/**:",
        "  ros__parameters:",
    ]
    for name, declared in all_declared("camera"):
        lines += [f"    # {declared.metadata['description']}", f"    {name}: {_yaml(declared.default)}"]
    return "\n".join(lines) + "\n"


def all_declared(camera: str) -> list[tuple[str, Field]]:
    own = [(declared.name, declared) for declared in fields(NodeSettings)]
    return own + [(camera_parameter(camera, declared.name), declared) for declared in fields(CameraSettings)]


def _type_name(declared: Field) -> str:
    return {bool: "bool", int: "int", float: "double", str: "string", tuple: "string[]"}[
        type(declared.default)
    ]


def _yaml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print({"markdown": markdown_table, "yaml": yaml_text}[sys.argv[1]](), end="")
