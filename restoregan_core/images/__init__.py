"""Images in memory, in files and in ROS messages."""
