# SPDX-License-Identifier: Apache-2.0
"""Whether a process has no CPU or nothing to do, by the kernel's own accounts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "test" / "support"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the accounts are Linux'")

BESIDE_A_HOG = """
import os, subprocess, sys, threading, time
sys.path.insert(0, sys.argv[1])
from obedient_node import compute_behind_all_others
from restoregan_ros.cpu_wait import CpuWait

def start_both():
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(flush=True)\\nwhile 1: pass"
    hog = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    hog.stdout.readline()
    starved = threading.Thread(target=compute_behind_all_others)
    starved.start()
    return hog, starved

wait = CpuWait()
"""

STARVED = (
    BESIDE_A_HOG
    + """
hog, starved = start_both()
looks = []
while starved.is_alive():
    time.sleep(0.05)
    looks.append(wait.look())
    if looks[-1][1]:
        hog.kill()
print(max(is_waiting for _, is_waiting in looks), max(waited_s for waited_s, _ in looks))
"""
)

ONE_AFTER_THE_OTHER = (
    BESIDE_A_HOG
    + """
waited_s = [0.0]
for _ in range(2):
    hog, starved = start_both()
    while wait.look()[0] < waited_s[-1] + 0.02:
        time.sleep(0.05)
    hog.kill()
    starved.join()
    waited_s.append(wait.look()[0])
print(False, waited_s[2] - waited_s[1])
"""
)

IDLE = """
import threading, time
from restoregan_ros.cpu_wait import CpuWait

threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
time.sleep(0.2)
wait = CpuWait()
looks = []
for _ in range(20):
    time.sleep(0.02)
    looks.append(wait.look())
print(max(is_waiting for _, is_waiting in looks), looks[-1][0])
"""


def looked(program: str) -> tuple[bool, float]:
    done = subprocess.run(
        [sys.executable, "-c", program, str(SUPPORT)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    is_waiting, waited_s = done.stdout.split()
    return is_waiting == "True", float(waited_s)


def test_a_thread_that_others_keep_from_running_waits_and_its_wait_is_counted():
    is_waiting, waited_s = looked(STARVED)
    assert is_waiting
    assert waited_s > 0.02


def test_what_one_thread_waited_and_then_the_next_is_added_up():
    _, more_s = looked(ONE_AFTER_THE_OTHER)
    assert more_s >= 0.02


def test_a_thread_that_sleeps_does_not_wait_for_a_cpu():
    is_waiting, waited_s = looked(IDLE)
    assert not is_waiting
    assert waited_s == pytest.approx(0, abs=1e-3)
