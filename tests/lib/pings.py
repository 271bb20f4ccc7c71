# SPDX-License-Identifier: MIT
"""A steady stream of echoes: which of them were lost, for certain."""

import os
import re
import signal
import subprocess
import threading

from lib.runner import wait_for

ANSWER = re.compile(r"bytes from .* icmp_seq=(\d+)")


class Pings:
    """Echoes at a steady pace until lost() is called.

    `ping -c` gives the last echoes no more than an interval or two round trips, so that on a busy host it reports
    losses that there were not. This one goes on until later echoes are answered.
    """

    def __init__(self, node, target, interval=0.1, size=56):
        words = ["ping", "-n", "-i", str(interval), "-s", str(size), target]
        self.process = node.popen(*words, stdout=subprocess.PIPE, text=True)
        self.answered = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if answer := ANSWER.search(line):
                self.answered.add(int(answer[1]))

    def highest(self):
        """Return: the number of the latest echo that was answered; the first is 1."""
        return max(self.answered, default=0)

    def missing(self):
        """Return: numbers below highest() that were not answered yet."""
        return sorted(set(range(1, self.highest())) - self.answered)

    def wait(self, more):
        """Wait until `more` further echoes are answered."""
        until = self.highest() + more
        wait_for(lambda: self.highest() >= until, 60, what=f"an answer to echo {until}")

    def lost(self, at_least=0):
        """End the stream when at least so many echoes were sent. Return: the numbers of those that were lost."""
        try:
            self.wait(max(5, at_least - self.highest()))
            end = self.highest()
            late = lambda: [number for number in self.missing() if number < end]
            wait_for(lambda: not late() or self.highest() >= end + 50, 60, what="late answers")
            return late()
        finally:
            self.stop()

    def stop(self):
        """End the stream, and count nothing."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
