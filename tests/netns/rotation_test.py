#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Preshared keys replaced a thousand times by wg(8), as a key exchange such as Rosenpass does, while frames flow.

Each frame has a number. No frame may be missing or out of order at the far member, nor of the echoes at the near one.
The shell commands are those of doc/post-quantum.md.
"""

import base64
import hashlib
import os
import re
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary

CHANGES = 1000
WINDOW = 64  # frames that have not come back, at most: fewer than any queue between the members has room for
PATIENCE = 60  # seconds without a frame, after which those that have not come back are lost
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "post-quantum.md")


def document_commands(name):
    """Return: the shell commands of the document in the block that begins with the comment `# name`."""
    with open(DOCUMENT) as file:
        blocks = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    found = [block for block in blocks if block.startswith(f"# {name}\n")]
    assert len(found) == 1, (name, blocks)
    return found[0]


def key_of(number):
    """The same key for both sites, which a key exchange would have given them."""
    return base64.b64encode(hashlib.sha256(b"rotation %d" % number).digest()).decode()


class Frames:
    """Numbered datagrams from member01 to member02 and back, as many at a time as WINDOW."""

    def __init__(self, net):
        one, two = net.sites
        self.near = net.member[0].call(lambda: self.bound(one.member4))
        self.far = net.member[1].call(lambda: self.bound(two.member4))
        self.near.connect(self.far.getsockname())
        self.far.connect(self.near.getsockname())
        self.sent = self.there = self.back = 0
        self.last = time.monotonic()

    @staticmethod
    def bound(address):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, 0))
        udp.setblocking(False)
        return udp

    def step(self, send=True):
        """Send what the window allows, and count what arrives within a moment."""
        while send and self.sent - self.back < WINDOW:
            self.near.send(self.sent.to_bytes(8, "big") + bytes(1000))
            self.sent += 1
        for ready in select.select([self.near, self.far], [], [], 0.05)[0]:
            number = int.from_bytes(ready.recv(2048)[:8], "big")
            self.last = time.monotonic()
            if ready is self.far:
                assert number == self.there, f"frame {number} has arrived, {self.there} was next"
                self.there += 1
                self.far.send(number.to_bytes(8, "big") + bytes(1000))
            else:
                assert number == self.back, f"the echo of frame {number} has arrived, {self.back} was next"
                self.back += 1
        silent = time.monotonic() - self.last
        assert self.sent == self.back or silent < PATIENCE, f"{self.sent - self.back} frames are lost"

    def finish(self):
        while self.back < self.sent:
            self.step(send=False)


def rotate(net, number, folder):
    """Start a process that replaces the key of the other site CHANGES times. Return: Popen."""
    far = net.sites[1 - number]
    keys = os.path.join(folder, "keys")
    with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("".join(f"{key_of(i)}\n" for i in range(CHANGES)))
    script = f"""
interface=wg0 peer={far.public} file={folder}/psk
umask 077
while read -r key; do
    echo "$key" >"$file"
    {document_commands("pass a new key on").strip()}
done <{keys}
"""
    return net.vpn[number].popen("sh", "-ec", script)


def rotation(net):
    """The engine of vpn01 is in its own process, that of vpn02 in a confined one."""
    net.configure()
    for gateway, isolation in zip(net.gateway, ("no", "yes")):
        with open(gateway.conf) as file:
            text = file.read()
        gateway.configure(f"[Site]\nIsolation = {isolation}\n{text}")
        gateway.up()
    one, two = net.sites
    assert net.member[0].ping(two.member4).ok
    frames = Frames(net)
    rotations = [rotate(net, number, gateway.folder) for number, gateway in enumerate(net.gateway)]
    while any(process.poll() is None for process in rotations):
        frames.step()
    assert [process.returncode for process in rotations] == [0, 0]
    for _ in range(100):
        frames.step()
    frames.finish()
    assert frames.sent == frames.there == frames.back > CHANGES, (frames.sent, frames.there, frames.back)
    print(f"  {CHANGES} keys at each site, {frames.sent} frames, none lost")

    # the last one is in use: the next session begins with it, and with it alone
    for gateway, far in zip(net.gateway, (two, one)):
        environment = f"interface=wg0 peer={far.public}\n"
        shown = gateway.node.sh(environment + document_commands("see the key in use")).out
        assert key_of(CHANGES - 1) in shown, shown
    net.gateway[1].stop()
    net.gateway[1].up()  # with the key of its file: none
    assert not net.member[0].ping(two.member4, count=1, timeout=2).ok
    net.vpn[1].sh(f"interface=wg0 peer={one.public} file={net.gateway[1].folder}/psk\n" + document_commands("pass a new key on"))
    wait_for(lambda: net.member[0].ping(two.member4, count=1, timeout=2).ok, 60, what="a session with the last key")
    net.stop()


def main():
    suite = Suite("rotation")
    if suite.setup("root", need_root) and suite.setup("binary", find_binary):
        with Reference() as net:
            suite.run("preshared keys, a thousand times", rotation, net)
    suite.finish()


if __name__ == "__main__":
    main()
