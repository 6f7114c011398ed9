# SPDX-License-Identifier: Apache-2.0
"""Restoring the tiles that need it, checked and bounded."""
