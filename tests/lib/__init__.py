# SPDX-License-Identifier: MIT
"""Shared by the tests with traffic: namespaces, frames, captures, wirespan itself, and the runner."""
