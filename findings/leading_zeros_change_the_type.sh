#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A number with a leading zero in a ROS 2 parameter file is octal, decimal or a double, by its digits.
#
# Versions:  ros-jazzy-rclpy 7.1.6, PyYAML 6.0.4.
# Guess:     the file is YAML 1.1, as PyYAML reads it: 0123 is octal, 08 and 0189 are strings for 8 is no octal digit, 1e5 is
#            a string for want of a point and a sign, null is no value.
# Seen:      0123: integer 83. 08 and 0189: doubles, 8.0 and 189.0. 1e5, nan and Infinity: doubles. null and ~: the strings
#            "null" and "~". 12345678901234567890: a double that has lost its last digits. Quotes make strings of them all.
#            Who hands a file on through PyYAML, as a launch file does, gets other types.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3 PyYAML==6.0.4
cat > "$work/parameters.py" <<'P'
import sys

import rclpy
import yaml

EXPECTED = {  # as written: of rclpy, of PyYAML
    "0123": (83, 83),
    "08": (8.0, "08"),
    "0189": (189.0, "0189"),
    "1e5": (100000.0, "1e5"),
    "Infinity": (float("inf"), "Infinity"),
    "null": ("null", None),
    "~": ("~", None),
    "12345678901234567890": (12345678901234567168.0, 12345678901234567890),
    "'0189'": ("0189", "0189"),
}
names = [f"p{i}" for i in range(len(EXPECTED))]
text = "/**:\n  ros__parameters:\n" + "".join(f"    {n}: {w}\n" for n, w in zip(names, EXPECTED, strict=True))
with open(sys.argv[1], "w") as file:
    file.write(text)
rclpy.init(args=["--ros-args", "--params-file", sys.argv[1]])
node = rclpy.create_node("node", automatically_declare_parameters_from_overrides=True)
of_yaml = yaml.safe_load(text)["/**"]["ros__parameters"]
for name, (written, expected) in zip(names, EXPECTED.items(), strict=True):
    seen = node.get_parameter(name).value, of_yaml[name]
    print(f"{written}: rclpy {seen[0]!r}, PyYAML {seen[1]!r}")
    assert seen == expected
    assert [type(value) for value in seen] == [type(value) for value in expected]
node.destroy_node()
rclpy.shutdown()
P
ROS_AUTOMATIC_DISCOVERY_RANGE=OFF "$work/venv/bin/python" "$work/parameters.py" "$work/parameters.yaml"
