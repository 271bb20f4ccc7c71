# SPDX-License-Identifier: MIT
"""wirespan-wg, the drop-in userspace WireGuard, in a node: starting, configuring by wg(8), observing."""

import os
import subprocess

from .node import listening
from .reference import PORT
from .runner import patience, wait_for
from .wirespan import find_binary


def find_drop_in():
    """Return: the path of the wirespan-wg under test; Skip if it is not built."""
    named = os.environ.get("WIRESPAN_WG")
    return named or os.path.join(os.path.dirname(find_binary()), "wirespan-wg")


class DropIn:
    """One interface of wirespan-wg in a node; it is killed with its node at the latest."""

    def __init__(self, node, ifname="wg0", log=None):
        """log: a file for its messages, in place of our standard output."""
        self.node = node
        self.log = log
        self.ifname = ifname
        self.binary = find_drop_in()
        self.process = None

    @property
    def socket(self):
        """The path of wg(8)'s socket, as seen outside the node."""
        return self.node.path(f"/run/wireguard/{self.ifname}.sock")

    def start(self, **environment):
        """Start it in the foreground and wait until wg(8) can connect; its output goes to our standard output."""
        return self.start_by(["-f", self.ifname], **environment)

    def start_by(self, words, pass_fds=(), without="", **environment):
        """The same with a command line and descriptors of the caller's, and without some capabilities, as
        capsh(1) names them. Return: self."""
        command = [self.binary, *words]
        if without:
            command = ["capsh", f"--drop={without}", "--", "-c", f"exec {' '.join(command)}"]
        with open(self.log or os.devnull, "ab") as log:
            self.process = self.node.popen(
                *command,
                env={**os.environ, **environment},
                pass_fds=pass_fds,
                stderr=log if self.log else None,
            )
        wait_for(lambda: listening(self.socket) or self.ended(), what=f"wirespan-wg {self.ifname}")
        assert not self.ended(), f"wirespan-wg ended with {self.process.returncode}"
        return self

    def configure(self, site, mtu=None, port=PORT):
        """Set the key and addresses of `site`, and set the interface up. Return: self."""
        self.wg("set", self.ifname, "listen-port", str(port), "private-key", "/dev/stdin", stdin=site.private)
        self.node.up(self.ifname, f"{site.wg4}/24", f"{site.wg6}/64", mtu=mtu)
        return self

    def peer(self, far, endpoint=None, allowed=None, psk=None, keepalive=None):
        """Add the site `far` as a peer, or change the given values of an existing one. Return: self."""
        words = ["set", self.ifname, "peer", far.public]
        words += ["allowed-ips", allowed or f"{far.wg4}/32,{far.wg6}/128"]
        words += ["endpoint", endpoint] if endpoint else []
        words += ["persistent-keepalive", str(keepalive)] if keepalive is not None else []
        words += ["preshared-key", "/dev/stdin"] if psk else []
        self.wg(*words, stdin=psk)
        return self

    def wg(self, *words, **options):
        """Run wg(8) in the node. Return: Result."""
        return self.node.run("wg", *words, **options)

    def show(self, what):
        """Return: `wg show IF what`, without the last newline."""
        return self.wg("show", self.ifname, what).out.rstrip("\n")

    def log_text(self):
        """Return: all its messages, if they go to a file."""
        with open(self.log) as file:
            return file.read()

    def handshake_age(self):
        """Return: the time of the first peer's last handshake, in seconds since the epoch; 0: never."""
        return int(self.show("latest-handshakes").split("\t")[1].split("\n")[0])

    def endpoint(self):
        """Return: the first peer's endpoint as text."""
        return self.show("endpoints").split("\t")[1].split("\n")[0]

    def pids(self):
        """Return: the pids, inside the node, of this interface's daemon."""
        mine = [pid for pid, command in self.node.processes().items() if self.binary in command.split()[0]]
        return [pid for pid in mine if self.ifname in self.node.processes().get(pid, "").split()]

    def outer_pid(self):
        """Return: the pid, as seen outside the node, of the process that start() started."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    def ended(self):
        """Whether the process that was started has exited."""
        return self.process is not None and self.process.poll() is not None

    def wait_end(self, timeout=5):
        """Wait until it has exited and removed its socket. Return: the exit status, if it was started here."""
        wait_for(lambda: not self.pids(), timeout, what=f"wirespan-wg {self.ifname} to end")
        assert not os.path.exists(self.socket), "the socket's file still exists"
        process, self.process = self.process, None
        return process.wait(timeout=patience(5)) if process else None

    def stop(self):
        """Stop it by SIGTERM. Return: the exit status."""
        for pid in self.pids():
            self.node.run("kill", str(pid), check=False)
        wait_for(lambda: not os.path.exists(self.socket), 5, what=f"the socket of wirespan-wg {self.ifname} to go")
        return self.wait_end()

    def listens(self, port=PORT, netns=None):
        """Whether a UDP socket is bound to `port` in the node, or in one of its named namespaces."""
        inside = ["ip", "netns", "exec", netns] if netns else []
        out = subprocess.run(
            self.node.enter([*inside, "ss", "-Huln"]), capture_output=True, text=True, check=True
        ).stdout
        return any(line.split()[3].endswith(f":{port}") for line in out.splitlines())
