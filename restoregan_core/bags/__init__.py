"""ROS bags: read whole or damaged, and written."""
