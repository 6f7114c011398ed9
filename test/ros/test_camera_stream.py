# SPDX-License-Identifier: Apache-2.0
"""What a camera's topics leave behind in the node."""

import rclpy
from obedient_node import open_pipeline

from restoregan_ros.restore_node import RestoreNode


def test_topics_that_were_destroyed_leave_nothing_in_the_nodes_callback_group(domain_id):
    rclpy.init(domain_id=domain_id)
    node = RestoreNode(open_pipeline)
    known = []
    for _ in range(4):
        for trigger in ("configure", "activate", "deactivate", "cleanup"):
            getattr(node, f"trigger_{trigger}")()
        known.append(len(node.default_callback_group.entities))
    node.destroy_node()
    rclpy.try_shutdown()
    assert known[-1] == known[1]
