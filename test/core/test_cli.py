# SPDX-License-Identifier: Apache-2.0
import importlib.util
import json
import subprocess
import sys

import pytest

from restoregan_core import __version__, cli
from restoregan_core.commands import assess
from restoregan_core.commands.common import RequirementNotMetError, parse_size

WRITTEN = [
    verb
    for verb in cli.VERBS
    if importlib.util.find_spec(f"restoregan_core.commands.{verb.replace('-', '_')}") is not None
]


@pytest.mark.parametrize("verb", WRITTEN)
def test_help_of_every_verb_explains_it_with_an_example(verb, capsys):
    assert cli.main([verb, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert f"restoregan {verb}" in help_text
    assert "example" in help_text


@pytest.mark.parametrize("verb", WRITTEN)
def test_wrong_option_exits_2_and_names_it(verb, capsys):
    assert cli.main([verb, "--no-such-option-exists"]) == 2
    assert capsys.readouterr().err.strip()


def test_help_lists_every_verb(capsys):
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {verb} " in listed for verb in cli.VERBS)


def test_no_verb_at_all_shows_the_usage_and_exits_2(capsys):
    assert cli.main([]) == 2
    assert "usage: restoregan VERB" in capsys.readouterr().out


def test_unknown_verb_exits_2_with_one_line_that_lists_the_verbs(capsys):
    assert cli.main(["sharpen", "x.png"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "no verb 'sharpen'" in line
    assert "assess" in line


def test_help_is_a_verb_too(capsys):
    for asked, answer in ((["help"], ["--help"]), (["help", "restore"], ["restore", "--help"])):
        assert [cli.main(asked), cli.main(answer)] == [0, 0]
        printed = capsys.readouterr().out
        assert printed[: len(printed) // 2] == printed[len(printed) // 2 :]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_is_the_packages(option, capsys):
    assert cli.main([option]) == 0
    assert capsys.readouterr().out.strip() == f"restoregan {__version__}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("size is 0: give 720x1280"), 2),
        (FileNotFoundError("x.png"), 2),
        (FileExistsError("x.png exists"), 2),
        (ModuleNotFoundError("No module named 'lmdb'", name="lmdb"), 2),
        (RequirementNotMetError("4 % of frames failed open, more than 1 %"), 3),
    ],
)
def test_bad_input_and_unmet_requirements_are_one_line_and_have_their_own_codes(
    error, code, monkeypatch, capsys
):
    def raises(argv):
        raise error

    monkeypatch.setattr(assess, "main", raises)
    assert cli.main(["assess", "x"]) == code
    line = capsys.readouterr().err
    assert line.startswith("restoregan assess: ")
    assert line.count("\n") == 1
    assert str(getattr(error, "name", None) or error) in line


def test_fault_of_ours_exits_1_with_its_traceback(monkeypatch, caplog):
    def raises(argv):
        raise RuntimeError("a bug")

    monkeypatch.setattr(assess, "main", raises)
    assert cli.main(["assess", "x"]) == 1
    assert caplog.records[-1].exc_info


def test_what_libraries_say_of_themselves_is_not_shown():
    code = (
        "import logging; from restoregan_core import cli; cli.main(['restore', 'none.png', 'out.png']);"
        "logging.getLogger('onnxscript.optimizer').info('applied 30 rules');"
        "logging.getLogger('restoregan_core.bags').info('a mask was left out')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert "applied 30 rules" not in done.stderr
    assert "INFO a mask was left out" in done.stderr


def test_interrupt_exits_130(monkeypatch, capsys):
    def raises(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(assess, "main", raises)
    assert cli.main(["assess", "x"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_not_a_fault(tmp_path):
    import cv2
    import numpy as np

    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((40, 40, 3), i, np.uint8))
    running = subprocess.Popen(
        [sys.executable, "-m", "restoregan_core", "assess", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert "Traceback" not in running.communicate()[1]
    assert running.returncode == 141


def test_module_runs_like_the_console_script():
    done = subprocess.run(
        [sys.executable, "-m", "restoregan_core", "assess", "/no/such/image.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "restoregan assess: /no/such/image.png does not exist\n"


def test_sizes_are_height_by_width():
    assert parse_size("720x1280") == (720, 1280)


@pytest.mark.parametrize("text", ["720", "720x", "0x1280", "720X1280", "-1x5", "7.5x8", json.dumps([1, 2])])
def test_other_sizes_are_refused_with_an_example(text):
    import argparse

    with pytest.raises(argparse.ArgumentTypeError, match="720x1280"):
        parse_size(text)
