# SPDX-License-Identifier: Apache-2.0
"""The clips that the demo plays, and what is measured on them."""
