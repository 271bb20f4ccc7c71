# SPDX-License-Identifier: MIT
"""What the tests with traffic share: namespaces, frames, captures, wirespan itself, and the runner."""
