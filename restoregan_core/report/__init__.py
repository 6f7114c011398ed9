# SPDX-License-Identifier: Apache-2.0
"""Self-contained HTML pages: what they share, and the page of the demo."""
