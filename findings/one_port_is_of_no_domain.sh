#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each ROS 2 context on Fast DDS opens one port more, from 7000 on, for which all domains share the numbers.
#
# Versions:  ros-rmw-fastrtps-cpp 8.4.3 on ros-fastrtps 2.14.5 (Jazzy), 9.3.3 on ros-fastdds 3.2.3 (Kilted).
# Guess:     all ports of a participant follow from its domain, 7400 + 250 * domain and up: so says the interoperability
#            protocol (DDSI-RTPS 9.6.2), and so do ROS 2's tables of ports to open in a firewall. A domain in use is seen
#            by its first port, that of the multicast.
# Seen:      beside the two ports of its domain each context has one from 7000 on, for UDP and in shared memory, whatever
#            the discovery range; two contexts in two domains never have the same. With a range of LOCALHOST or OFF the
#            port of the multicast is not opened, so that a domain in use shows by its other ports alone.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/ports.py" <<'P'
import os
import re
import sys

import rclpy

FIRST = 7400 + 250 * int(os.environ["ROS_DOMAIN_ID"])


def socket_of(descriptor):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # that of listdir itself
        return ""


rclpy.init()
node = rclpy.create_node("ports")
mine = {socket_of(descriptor) for descriptor in os.listdir("/proc/self/fd")}
rows = [line.split() for line in open("/proc/net/udp").readlines()[1:]]
udp = {int(row[1].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in mine}
maps = open("/proc/self/maps").read()
shared = {int(port) for port in re.findall(r"/dev/shm/fast\w+_port(\d+)$", maps, re.MULTILINE)}
print(
    "multicast" if FIRST in udp else "no multicast",
    len([port for port in udp if FIRST < port < FIRST + 250]), "of the domain,",
    len([port for port in udp if 7000 <= port < 7400]), "from 7000 on for UDP,",
    len([port for port in shared if 7000 <= port < 7400]), "in shared memory",
)  # fmt: skip
print(*[port for port in udp if 7000 <= port < 7400], file=sys.stderr, flush=True)
sys.stdin.read()  # stays until it is told to end
node.destroy_node()
rclpy.shutdown()
P
status=0
check() { # what is expected, what was seen
  [ "$1" = "$2" ] || { echo "  expected: $1"; status=1; }
}
ports() { # distribution, domain, discovery range: as ports.py prints them
  env -u ROS_AUTOMATIC_DISCOVERY_RANGE -u FASTRTPS_DEFAULT_PROFILES_FILE -u FASTDDS_DEFAULT_PROFILES_FILE \
    ${3:+ROS_AUTOMATIC_DISCOVERY_RANGE=$3} ROS_DOMAIN_ID="$2" "$work/$1/bin/python" "$work/ports.py"
}
install() { # distribution, rclpy, rmw
  python3.11 -m venv "$work/$1"
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check "ros-$1-rclpy==$2" "ros-$1-rmw-fastrtps-cpp==$3"
}
install jazzy 7.1.6 8.4.3
install kilted 9.1.2 9.3.3
for distribution in jazzy kilted; do
  for range in "" SUBNET LOCALHOST OFF; do
    seen=$(ports "$distribution" 101 "$range" < /dev/null 2> "$work/errors") || { cat "$work/errors"; exit 1; }
    echo "$distribution, range ${range:-unset}: $seen"
    case "$range" in LOCALHOST | OFF) multicast="no multicast" ;; *) multicast="multicast" ;; esac
    check "$multicast 2 of the domain, 1 from 7000 on for UDP, 1 in shared memory" "$seen"
  done
  mkfifo "$work/end_$distribution"
  ports "$distribution" 101 "" < "$work/end_$distribution" > /dev/null 2> "$work/first" &
  exec 3> "$work/end_$distribution"
  until grep -q . "$work/first"; do sleep 0.2; done
  ports "$distribution" 99 "" < /dev/null > /dev/null 2> "$work/second"
  exec 3>&-
  wait
  echo "$distribution: domain 101 has $(tail -1 "$work/first"), domain 99 beside it $(tail -1 "$work/second")"
  [ "$(tail -1 "$work/second")" -gt "$(tail -1 "$work/first")" ] || { echo "  expected: one after the other"; status=1; }
done
exit $status
