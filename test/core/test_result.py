# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import numpy as np

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.result import Action, Reason, RestorationResult, report_fields

MESSAGE = Path(__file__).parents[2] / "msg" / "RestorationReport.msg"


def test_actions_and_reasons_have_the_values_of_the_message():
    constants = dict(re.findall(r"^uint8 ((?:ACTION|REASON)_\w+)=(\d+)", MESSAGE.read_text(), re.MULTILINE))
    ours = {f"ACTION_{a.name}": str(int(a)) for a in Action} | {
        f"REASON_{r.name}": str(int(r)) for r in Reason
    }
    assert ours == constants


def test_a_report_has_the_fields_of_the_message_and_no_other():
    declared = re.findall(r"^(?:u?int|float|string)\S* (\w+)(?:\s|$)", MESSAGE.read_text(), re.MULTILINE)
    given = fields(None, Action.FAILED_OPEN, Reason.DEADLINE)
    assert list(given) == declared


def fields(result, action, reason):
    return report_fields(
        result, action=action, reason=reason, model="lite-0123456789ab", latency_ms=7.0, superseded=2**32 + 1
    )


def test_a_frame_without_a_result_has_nan_and_empty_grids():
    given = fields(None, Action.FAILED_OPEN, Reason.DEADLINE)
    assert (given["action"], given["reason"], given["frames_superseded"]) == (2, 3, 1)
    assert (given["grid_rows"], given["grid_columns"], given["tile_size_px"]) == (0, 0, 64)
    assert all(np.isnan(given[f"{kind}_probability"]) for kind in ("blur", "rain", "residual_rain"))
    assert np.isnan(given["assessment_ms"])
    assert not any(len(given[f"{kind}_grid"]) for kind in ("blur", "rain", "restored"))


def test_source_and_published_frame_are_told_apart_and_grids_are_row_major():
    grid = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
    result = RestorationResult(
        image=np.zeros((100, 150, 3), np.uint8),
        assessment=Assessment(0.9, 0.1, 0.2, blur_grid=grid, rain_grid=grid.copy()),
        restored_grid=grid > 0.2,
        residual=Assessment(0.3, 0.05),
        assessment_ms=1.5,
    )
    given = fields(result, Action.PASSED_THROUGH, Reason.OVERLOAD)
    assert (given["blur_probability"], given["residual_blur_probability"]) == (0.9, 0.3)
    assert (given["grid_rows"], given["grid_columns"]) == (2, 3)
    np.testing.assert_array_equal(given["blur_grid"], grid.ravel())
    assert given["restored_grid"].tolist() == [0, 0, 0, 1, 1, 1]
    assert given["reason"] == Reason.OVERLOAD, "the node's reason goes before the pipeline's"
