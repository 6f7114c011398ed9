# SPDX-License-Identifier: Apache-2.0
"""The messages beside a frame's own image."""

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_ros.conversions import restamped


def test_intrinsics_are_restamped_in_a_copy():
    info = CameraInfo(height=96, k=[float(n) for n in range(9)])
    info.header.frame_id = "as the driver sent it"
    copied = restamped(info, Header(frame_id="of the image"))
    assert (copied.header.frame_id, copied.height, list(copied.k)) == ("of the image", 96, list(info.k))
    assert info.header.frame_id == "as the driver sent it"
