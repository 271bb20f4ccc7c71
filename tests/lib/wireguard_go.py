# SPDX-License-Identifier: MIT
"""An unmodified userspace WireGuard (Debian's wireguard-go) in a node, as a peer other than wirespan."""

import os
import shutil
import subprocess

from .node import listening
from .reference import PORT
from .runner import Skip, wait_for


class WireguardGo:
    """wg0 of a node, run by wireguard-go, with the keys of a Site. It is killed with its node."""

    def __init__(self, node, site, log=None, level="error", program="wireguard-go"):
        """log: a file for its messages of LOG_LEVEL `level` and above. program: another build of it."""
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
        self.node = node
        self.site = site
        self.log = log
        environment = {**os.environ, "WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": level}
        words = [program, "-f", "wg0"]
        with open(log or os.devnull, "ab") as file:
            self.process = node.popen(*words, env=environment, stdout=file, stderr=file)
        socket = node.path("/run/wireguard/wg0.sock")
        wait_for(lambda: listening(socket), what="wireguard-go")
        node.run(
            "wg", "set", "wg0", "listen-port", str(PORT), "private-key", "/dev/stdin", stdin=site.private
        )
        node.up("wg0", f"{site.wg4}/24", f"{site.wg6}/64", mtu=1440)

    def log_text(self):
        """Return: its messages, if they go to a file."""
        with open(self.log) as file:
            return file.read()

    def peer(self, far, endpoint=True, allowed=None, psk=None):
        """Add the site `far` as a peer, with its wg addresses as AllowedIPs by default."""
        words = [
            "wg",
            "set",
            "wg0",
            "peer",
            far.public,
            "allowed-ips",
            allowed or f"{far.wg4}/32,{far.wg6}/128",
        ]
        if endpoint:
            words += ["endpoint", f"{far.underlay}:{PORT}"]
        words += ["preshared-key", "/dev/stdin"] if psk else []
        self.node.run(*words, stdin=psk)

    def forget_peer(self, far):
        """Remove the peer and its sessions."""
        self.node.run("wg", "set", "wg0", "peer", far.public, "remove")
