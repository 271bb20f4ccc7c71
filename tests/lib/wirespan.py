# SPDX-License-Identifier: MIT
"""Starts, stops and queries the wirespan under test inside a Node."""

import json
import os
import shutil
import socket
import tempfile
import time

from .node import CommandFailed
from .runner import Skip, cleanup, patience, wait_for

_HERE = os.path.dirname(os.path.abspath(__file__))


def find_binary():
    """Return: the path of the wirespan under test; Skip if it is not built."""
    named = os.environ.get("WIRESPAN")
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(_HERE, "..", "..", "build")
    places = (
        [named]
        if named
        else [
            os.path.join(build, *where, "wirespan")
            for where in ((), ("src",), ("src", "cli"), ("src", "daemon"))
        ]
    )
    for path in places:
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.realpath(path)
    raise Skip("wirespan is not built: run ninja -C build")


def need_plain_program(reason):
    """Skip, with the reason, if the program is built with AddressSanitizer."""
    with open(find_binary(), "rb") as file:
        if b"__asan_init" in file.read():
            raise Skip(f"the program has AddressSanitizer: {reason}")


def scratch():
    """Return: a folder that is removed at the end of the test."""
    folder = tempfile.mkdtemp(prefix="wirespan-test-")
    cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Gateway:
    """One site's wirespan in a node: its own configuration file, and the process that `up` started."""

    def __init__(self, node, name, folder=None, env=None):
        self.node = node
        self.name = name
        self.binary = find_binary()
        self.folder = folder or scratch()
        self.conf = os.path.join(self.folder, f"{name}.conf")
        self.log = os.path.join(self.folder, f"{name}.log")
        self.env = env or {}
        self.prefix = ()  # a command that runs `wirespan up`
        self.process = None

    def configure(self, text):
        """Write the configuration file, readable by root only."""
        with open(os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def run(self, *words, check=True, timeout=20, stdin=None):
        """Run `wirespan WORDS` in the node until it exits. Return: Result."""
        environment = {**os.environ, **self.env}
        return self.node.run(self.binary, *words, check=check, timeout=timeout, stdin=stdin, env=environment)

    def up(self, *options, timeout=10):
        """Run `wirespan up OPTIONS FILE` in the foreground and wait for READY=1. Return: the seconds it took."""
        path = os.path.join(self.folder, f"{self.name}.notify")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(self.log, "ab") as log:
            notify.bind(path)
            notify.settimeout(0.02)
            timeout = patience(timeout)
            start = time.monotonic()
            environment = {**os.environ, **self.env, "NOTIFY_SOCKET": path}
            self.process = self.node.popen(
                *self.prefix, self.binary, "up", *options, self.conf, stdout=log, stderr=log, env=environment
            )
            while True:
                try:
                    if b"READY=1" in notify.recv(4096):
                        return time.monotonic() - start
                except TimeoutError:
                    pass
                if self.process.poll() is not None:
                    raise CommandFailed(
                        f"wirespan up {self.name} ended with {self.process.returncode}:\n{self.log_text()}"
                    )
                if time.monotonic() - start > timeout:
                    raise CommandFailed(
                        f"wirespan up {self.name}: no READY=1 within {timeout} s:\n{self.log_text()}"
                    )

    def pids(self):
        """Return: the pids, inside the node, of this binary's processes."""
        return [pid for pid, command in self.node.processes().items() if command.split()[0] == self.binary]

    def all_pids(self):
        """As pids(), with the confined processes of sites in the node."""
        confined = [pid for pid, command in self.node.processes().items() if command.startswith("wirespan: ")]
        return self.pids() + confined

    def cpu_seconds(self):
        """Return: the CPU time of this binary's processes, and of the confined ones."""
        ticks = 0
        for pid in self.all_pids():
            with open(self.node.path(f"/proc/{pid}/stat")) as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, name):
        """Send a signal to every process of this binary in the node."""
        for pid in self.pids():
            self.node.run("kill", f"-{name}", str(pid), check=False)

    def wait_gone(self, timeout=5):
        """Wait until no process of this binary is left. Return: exit status of the foreground one, if any."""
        wait_for(lambda: not self.pids(), timeout, what=f"wirespan {self.name} to end")
        process, self.process = self.process, None
        return process.wait(timeout=patience(5)) if process else None

    def stop(self, signal="TERM"):
        """Stop it by a signal. Return: exit status of the foreground process."""
        self.signal(signal)
        return self.wait_gone()

    def down(self, check=True):
        """Run `wirespan down NAME` and wait until its process has exited. Return: Result."""
        result = self.run("down", self.conf, check=check)
        self.wait_gone()
        return result

    def status(self):
        """Return: the decoded output of `wirespan status --json`."""
        return json.loads(self.run("status", self.conf, "--json").out)

    def insist(self, command, kind, name):
        """Change something on the host again and again, until the site leaves it so: that is after it has restored it
        three times. kind and name: of the difference in the status."""

        def left():
            self.node.sh(command)
            found = {(d["kind"], d["name"]): d["remedy"] for d in self.status()["differences"]}
            return found.get((kind, name)) == "leave"

        wait_for(left, 10, step=0.2, what=f"the site to leave it so: {command}")

    def log_text(self, lines=40):
        """Return: the last lines of the log; 0: all."""
        if not os.path.exists(self.log):
            return "(no log)"
        with open(self.log, errors="replace") as file:
            return "\n".join(file.read().splitlines()[-lines:])


def snapshot(node):
    """Return: the state that a failed `up` or a `down` must restore, as comparable text. Without what the kernel
    changes later about an address (tentative, how it was generated); repeated blanks count once."""
    script = """
ip -o link | sed 's/^[0-9]*: //; s/ state [A-Z]* / /; s/@if[0-9]*//; s/<[^>]*>//; s/qlen [0-9]*//'
ip -o addr | sed 's/^[0-9]*: //; s/\\\\ .*//; s/ tentative//; s/ dadfailed//; s/ stable-privacy//; s/ proto kernel_ll//'
ip route show table all | grep -v 'fe80\\|multicast\\|ff00' || true
ip -6 route show table all | grep -v 'fe80\\|multicast\\|ff00' || true
ip rule; ip -6 rule
cd /run; find . ! -name . | sort
"""
    return "\n".join(" ".join(line.split()) for line in node.sh(script).out.splitlines())


def difference(before, after):
    """Return: the lines added and removed between two snapshots; empty if there are none."""
    old, new = before.splitlines(), after.splitlines()
    came = [f"+ {line}" for line in new if line not in old]
    went = [f"- {line}" for line in old if line not in new]
    return "\n".join(came + went)
