# SPDX-License-Identifier: Apache-2.0
"""Images in memory, in files and in ROS messages."""
