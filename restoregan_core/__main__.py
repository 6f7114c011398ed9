# SPDX-License-Identifier: Apache-2.0
"""``python -m restoregan_core``."""

import sys

from restoregan_core.cli import main

sys.exit(main())
