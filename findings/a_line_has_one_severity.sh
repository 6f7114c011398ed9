#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rclpy remembers the severity of a line of code: the same line logging at another one raises ValueError.
#
# Versions:  ros-jazzy-rclpy 7.1.6.
# Guess:     the severity is an argument of each call, so a function that takes message and severity logs both; throttling
#            holds back the repetitions of a message.
# Seen:      say("fine", INFO), then say("broken", ERROR): ValueError; an exception in a callback ends the node, here at its
#            first error. Throttled, the line's first message holds back every other message of it, and another duration,
#            as of a changed parameter, raises ValueError as well. All this is kept in the logger's object, not by its
#            name: get_child("camera") makes a new one at each call, whose throttling holds back nothing.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3
cat > "$work/say.py" <<'P'
from rclpy.logging import LoggingSeverity, get_logger

logger = get_logger("node")


def say(message, severity):
    return logger.log(message, severity)


def say_seldom(message, seconds):
    return logger.warning(message, throttle_duration_sec=seconds)


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except ValueError as error:
        return str(error)


print("info, info, error on one line:")
seen = [outcome(say, *call) for call in (("fine", LoggingSeverity.INFO), ("fine too", LoggingSeverity.INFO))]
seen.append(outcome(say, "broken", LoggingSeverity.ERROR))
print("", *seen, sep="\n  ")
assert seen[:2] == [True, True]
assert "severity cannot be changed" in seen[2]

print("throttled: a message, another one, another duration:")
seen = [outcome(say_seldom, *call) for call in (("no image", 60.0), ("disk full", 60.0), ("disk full", 30.0))]
print("", *seen, sep="\n  ")
assert seen[:2] == [True, False]
assert "parameters cannot be changed" in seen[2]

print("throttled, of a child that is asked for each time:")
seen = [logger.get_child("camera").warning("no image", throttle_duration_sec=60.0) for _ in range(3)]
print("", *seen, sep="\n  ")
assert seen == [True, True, True]
P
"$work/venv/bin/python" "$work/say.py"
