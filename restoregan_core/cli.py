# SPDX-License-Identifier: Apache-2.0
"""``restoregan VERB ...`` = ``python -m restoregan_core VERB ...``.

Exit codes: 0 done; 2 bad input (one line says which and what to do); 1 a defect of this program or of the
machine; 3 a condition that the user required does not hold; 130 interrupted.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from restoregan_core.commands import completion
from restoregan_core.commands.common import RequirementNotMetError
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.version import __version__
from restoregan_core.wording import did_you_mean

VERBS = {
    "restore": "restore an image, a folder of images or a video",
    "assess": "print blur and rain probabilities, one JSON object a frame",
    "train": "train a network from a YAML recipe",
    "average": "one network of several, by the mean of their weights",
    "evaluate": "PSNR and SSIM of a network on folders of pairs, by every protocol",
    "evaluate-detection": "what a network does to an object detector, on labelled frames",
    "synthesize": "degrade clean images with blur, rain or lens drops",
    "build-engine": "compile a network for this machine's GPU ahead of time",
    "quantize": "give a network the scales to compute on 8-bit integers",
    "export": "write a network as ONNX",
    "bench": "time networks and runtimes on this machine",
    "replay": "run a recorded drive through the node's pipeline and judge it",
    "replay-many": "the same for many bags, on this machine or on a Ray cluster",
    "compare": "two replays of one bag: what differs, how surely, and where",
}
PACKAGE_OF = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "jsonargparse": "'jsonargparse[signatures]'",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
"""Packages that are called otherwise than what is imported."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if completion.is_asked_for():
        arguments = [completion.verb_to_complete(VERBS)]
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        print(f"restoregan {__version__}")
        return 0
    verb = arguments[0]
    if verb not in VERBS:
        meant = did_you_mean(verb, VERBS)
        print(f"restoregan: no verb {verb!r}{meant}; there are: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    # Not what the libraries below say of themselves.
    logging.getLogger("restoregan_core").setLevel(logging.INFO)
    try:
        # Imported only now: help must not wait for torch, and a verb needs only its own libraries.
        command = import_module(f"restoregan_core.commands.{verb.replace('-', '_')}")
        return int(command.main(arguments[1:]))
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a wrong option
        return stop.code if isinstance(stop.code, int) else 1
    except RequirementNotMetError as error:
        print(f"restoregan {verb}: {error}", file=sys.stderr)
        return 3
    except (ValueError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        print(f"restoregan {verb}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        package = PACKAGE_OF.get(str(error.name), error.name)
        print(
            f"restoregan {verb}: needs {package}, which is not installed (pip install {package})",
            file=sys.stderr,
        )
        return 2
    except RuntimeUnavailableError as error:
        # The machine, not the input: but it can be put right from outside.
        print(f"restoregan {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"restoregan {verb}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `restoregan assess ... | head`: nobody reads on, which is not a fault
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it at exit
        return 128 + signal.SIGPIPE
    except Exception:
        logging.getLogger(__name__).exception("restoregan %s failed", verb)
        return 1


def _usage() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items())
    return (
        "usage: restoregan VERB ...\n\n"
        "Makes vehicle-camera frames usable when motion or rain has degraded them.\n\n"
        f"{verbs}\n\nrestoregan VERB --help explains a verb, restoregan --version says which release this is."
    )
