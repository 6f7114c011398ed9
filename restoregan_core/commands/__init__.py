# SPDX-License-Identifier: Apache-2.0
"""One file for each verb of the command line; each has ``main(argv) -> exit code``."""
