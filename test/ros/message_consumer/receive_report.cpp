// SPDX-License-Identifier: Apache-2.0
// Reads one report from standard input as the bytes that DDS carries, and prints what a detector would look at.
// A node would be written with rclcpp, which does the same; the wheels of ROS have none.
#include <iostream>
#include <iterator>
#include <vector>

#include <fastcdr/Cdr.h>
#include <fastcdr/FastBuffer.h>
#include <restoregan_ros/msg/detail/restoration_report__rosidl_typesupport_fastrtps_cpp.hpp>
#include <restoregan_ros/msg/restoration_report.hpp>

using restoregan_ros::msg::RestorationReport;

int main()
{
  std::vector<char> bytes{std::istreambuf_iterator<char>(std::cin), {}};
  eprosima::fastcdr::FastBuffer buffer(bytes.data(), bytes.size());
  eprosima::fastcdr::Cdr cdr(buffer);
  cdr.read_encapsulation();
  RestorationReport report;
  if (!restoregan_ros::msg::typesupport_fastrtps_cpp::cdr_deserialize(cdr, report)) {
    return 1;
  }
  const bool restored = report.action == RestorationReport::ACTION_RESTORED;
  std::cout << report.header.frame_id << ": blur " << report.blur_probability
            << (restored ? ", restored by " : ", not restored by ") << report.model << ", "
            << report.blur_grid.size() << " tiles\n";
  return 0;
}
