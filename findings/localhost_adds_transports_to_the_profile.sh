#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST adds default transports to those of a Fast DDS profile.
#
# Versions:  ros-rmw-fastrtps-cpp 8.4.3 on ros-fastrtps 2.14.5 (Jazzy), 9.3.3 on ros-fastdds 3.2.3 (Kilted).
# Guess:     the range limits who is discovered; which transports there are is the profile's business.
# Seen:      beside the profile's shared-memory segment of 64 MiB there is the default one of half a MiB, in both
#            releases, and a profile that asks for UDP alone has shared memory again. Nothing is logged. Large best-effort
#            images are lost again: 1080p at 30 Hz, Jazzy, two loaded cores: 60, 60, 46 of 60 without the variable,
#            51, 35, 27 with it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
profile() { # the transports besides UDP
  cat <<X
<?xml version="1.0" encoding="UTF-8" ?>
<dds xmlns="http://www.eprosima.com"><profiles>
  <transport_descriptors>
    <transport_descriptor><transport_id>shm</transport_id><type>SHM</type>
      <segment_size>67108864</segment_size><maxMessageSize>16777216</maxMessageSize></transport_descriptor>
    <transport_descriptor><transport_id>udp</transport_id><type>UDPv4</type></transport_descriptor>
  </transport_descriptors>
  <participant profile_name="given" is_default_profile="true"><rtps>
    <userTransports>$1<transport_id>udp</transport_id></userTransports>
    <useBuiltinTransports>false</useBuiltinTransports>
  </rtps></participant>
</profiles></dds>
X
}
profile "<transport_id>shm</transport_id>" > "$work/large.xml"
profile "" > "$work/udp.xml"
cat > "$work/segments.py" <<'P'
import os

import rclpy

rclpy.init()
node = rclpy.create_node("segments")
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/fast" in line}
sizes = [os.stat(path).st_size for path in mapped if "port" not in path and not path.endswith("_el")]
print(*sorted("small" if size < 10**6 else "large" for size in sizes))
node.destroy_node()
rclpy.shutdown()
P
status=0
check() { # distribution, profile, discovery range ("" = unset), the segments that are expected
  found=$(env -u ROS_AUTOMATIC_DISCOVERY_RANGE ${3:+ROS_AUTOMATIC_DISCOVERY_RANGE=$3} ROS_DOMAIN_ID=101 \
    FASTRTPS_DEFAULT_PROFILES_FILE="$work/$2.xml" FASTDDS_DEFAULT_PROFILES_FILE="$work/$2.xml" \
    "$work/$1/bin/python" "$work/segments.py" 2>"$work/errors") || { cat "$work/errors"; exit 1; }
  echo "$1, profile $2, range ${3:-unset}: ${found:-none}"
  [ "$found" = "$4" ] || { echo "  expected: ${4:-none}"; status=1; }
}
install() { # distribution, rclpy, rmw
  python3.11 -m venv "$work/$1"
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check "ros-$1-rclpy==$2" "ros-$1-rmw-fastrtps-cpp==$3"
}
install jazzy 7.1.6 8.4.3
install kilted 9.1.2 9.3.3
for distribution in jazzy kilted; do
  check "$distribution" large "" "large"
  check "$distribution" large SUBNET "large"
  check "$distribution" large LOCALHOST "large small"
  check "$distribution" udp "" ""
  check "$distribution" udp LOCALHOST "small"
done
exit $status
