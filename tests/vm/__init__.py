# SPDX-License-Identifier: MIT
"""Tests against a stock Linux kernel in qemu."""
