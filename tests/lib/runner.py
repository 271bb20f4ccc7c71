# SPDX-License-Identifier: MIT
"""Runs named cases one after the other and prints one line for each.

A case is a function: it passes if it returns, fails if it raises, and is skipped if it raises Skip, with the
reason.  The lines are

    CASE PASS name
    CASE FAIL name
    CASE SKIP name: reason

and the exit status is 0; 1 if a case failed; 77 (meson's "skipped") if none ran.
"""

import argparse
import atexit
import contextlib
import signal
import sys
import time
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; the text is the reason."""


# Undone at exit in any case, newest first.
cleanup = contextlib.ExitStack()


def trace(text):
    """Print a command before it is run, with -v."""
    if trace.enabled:
        print(text, flush=True)


trace.enabled = False


def _on_signal(number, _frame):
    # Ignore further signals: they must not interrupt the cleanup.
    for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def install_cleanup():
    """Undo everything on `cleanup` at exit, also on SIGTERM, SIGINT and SIGHUP."""
    atexit.register(cleanup.close)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _on_signal)


class Suite:
    """A sequence of cases under one name, and the command line that selects them."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self._diagnostics = []
        options = argparse.ArgumentParser(description=f"tests: {name}")
        options.add_argument(
            "--only", metavar="TEXT", default="", help="run the cases whose name contains TEXT"
        )
        options.add_argument("-v", "--verbose", action="store_true", help="print every command")
        self.options = options.parse_args()
        trace.enabled = self.options.verbose
        install_cleanup()

    def diagnose_with(self, function):
        """Print the result of `function()` after a failure: logs, addresses, counters."""
        self._diagnostics.append(function)

    def setup(self, name, function, *args, **kwargs):
        """Run a case that others depend on, regardless of --only. Return: True if it passed."""
        return self._run(name, function, args, kwargs)

    def selects(self, name):
        """Whether --only selects the case: for work that must start long before the case."""
        return self.options.only in name

    def run(self, name, function, *args, **kwargs):
        """Run one case, if it is selected. Return: True if it passed."""
        if not self.selects(name):
            return False
        return self._run(name, function, args, kwargs)

    def _run(self, name, function, args, kwargs):
        full = f"{self.name}: {name}"
        start = time.monotonic()
        try:
            function(*args, **kwargs)
        except Skip as reason:
            self.skipped += 1
            print(f"CASE SKIP {full}: {reason}", flush=True)
            return False
        except Exception:
            self.failed += 1
            traceback.print_exc(file=sys.stdout)
            self._print_diagnostics()
            print(f"CASE FAIL {full}", flush=True)
            return False
        self.passed += 1
        print(f"CASE PASS {full} ({time.monotonic() - start:.1f} s)", flush=True)
        return True

    def skip(self, name, reason):
        """Count one case as skipped without running it."""

        def raise_skip():
            raise Skip(reason)

        self.run(name, raise_skip)

    def finish(self):
        """Print the totals and exit with the status."""
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        if self.failed:
            sys.exit(1)
        sys.exit(0 if self.passed else 77)

    def _print_diagnostics(self):
        for function in self._diagnostics:
            try:
                print(function())
            except Exception as problem:
                print(f"(no diagnostics: {problem})")


def patience(seconds):
    """Return: how long to wait for what an idle host has done within `seconds`: the host may be busy.

    For what must happen. What must not happen is waited for as long as it takes on an idle host.
    """
    return max(seconds, min(10 * seconds, 120))


def wait_for(condition, timeout=5.0, step=0.05, what="condition"):
    """Poll `condition()` until it is true, which takes at most `timeout` seconds on an idle host.

    Return: its value; raises AssertionError when patience(timeout) is over.
    """
    timeout = patience(timeout)
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(step)


def wait_still(value, seconds, timeout=10, step=0.05, what="rest"):
    """Wait until `value()` has not changed for `seconds`. Return: it."""
    last, since = value(), time.monotonic()

    def still():
        nonlocal last, since
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= seconds

    wait_for(still, seconds + timeout, step, what)
    return last
