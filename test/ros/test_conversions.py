# SPDX-License-Identifier: Apache-2.0
"""The messages beside a frame's own image."""

import math

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.result import Action, RestorationResult
from restoregan_ros.conversions import report_message, restamped
from restoregan_ros.outcome import MISSED, Outcome


def test_intrinsics_are_restamped_in_a_copy():
    info = CameraInfo(height=96, k=[float(n) for n in range(9)])
    info.header.frame_id = "as the driver sent it"
    copied = restamped(info, Header(frame_id="of the image"))
    assert (copied.header.frame_id, copied.height, list(copied.k)) == ("of the image", 96, list(info.k))
    assert info.header.frame_id == "as the driver sent it"


def report_of(outcome):
    return report_message(
        Header(frame_id="front"), outcome, latency_ms=7.0, frames_superseded=3, model="lite"
    )


def test_a_report_says_what_the_result_says():
    grid = np.array([[0.25, 0.5]], np.float32)
    judged = Assessment(0.9, np.float32(0.25), blur_grid=grid, rain_grid=grid)
    result = RestorationResult(np.zeros((64, 128, 3), np.uint8), judged, restored_grid=grid)
    report = report_of(Outcome(Action.RESTORED, result=result))
    assert (report.header.frame_id, report.action, report.model) == ("front", 1, "lite")
    assert (report.rain_probability, list(report.restored_grid)) == (0.25, [0.25, 0.5])
    assert (report.grid_rows, report.grid_columns, report.frames_superseded) == (1, 2, 3)


def test_a_frame_that_the_pipeline_did_not_get_is_reported_as_not_assessed():
    report = report_of(MISSED)
    assert (report.action, report.reason, len(report.blur_grid)) == (2, 3, 0)
    assert math.isnan(report.blur_probability)
