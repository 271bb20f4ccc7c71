# SPDX-License-Identifier: MIT
"""Tests against an unmodified Linux kernel in qemu."""
