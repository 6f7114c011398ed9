# SPDX-License-Identifier: Apache-2.0
"""Exit code 0 while restore_node reports on itself in /diagnostics and its worker answers; 1 otherwise.

    healthcheck.py [SECONDS]      how long to listen (default 5; the node reports every second)

Blur, rain and silent cameras are the road's matter and do not make the node unhealthy.
"""

import sys
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

OWN_STATUS = "restore_node: network"


def main() -> int:
    listen_s = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    own: list[DiagnosticStatus] = []

    def keep_own(message: DiagnosticArray) -> None:
        own.extend(status for status in message.status if status.name.endswith(OWN_STATUS))

    rclpy.init()
    node = rclpy.create_node("restoregan_healthcheck")
    node.create_subscription(DiagnosticArray, "/diagnostics", keep_own, 10)
    deadline = time.monotonic() + listen_s
    while not own and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.2)
    rclpy.try_shutdown()
    if not own:
        print(f"no word from restore_node for {listen_s:g} s")
        return 1
    print(own[-1].message)
    return int(own[-1].level == DiagnosticStatus.ERROR)


if __name__ == "__main__":
    sys.exit(main())
