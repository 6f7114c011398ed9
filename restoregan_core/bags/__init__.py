# SPDX-License-Identifier: Apache-2.0
"""ROS bags: read whole or damaged, and written."""
