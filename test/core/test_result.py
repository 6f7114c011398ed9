# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

from restoregan_core.result import Action, Reason

MESSAGE = Path(__file__).parents[2] / "msg" / "RestorationReport.msg"


def test_actions_and_reasons_have_the_values_of_the_message():
    constants = dict(re.findall(r"^uint8 ((?:ACTION|REASON)_\w+)=(\d+)", MESSAGE.read_text(), re.MULTILINE))
    ours = {f"ACTION_{a.name}": str(int(a)) for a in Action} | {
        f"REASON_{r.name}": str(int(r)) for r in Reason
    }
    assert ours == constants
