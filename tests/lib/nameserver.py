# SPDX-License-Identifier: MIT
"""A minimal name server inside a node: A and AAAA records, or no reply, as the test requires."""

import ipaddress
import os
import select
import socket
import struct
import threading
import time

from .runner import cleanup

_A, _AAAA = 1, 28


class NameServer:
    """Replies from `records`, {name: [addresses]}, until close(); with `silent` set it does not reply.

    It never replies about names in `mute`.
    """

    def __init__(self, node, address, records):
        def open_socket():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, 53))
            return sock

        self.records = records
        self.silent = False
        self.mute = set()
        self.asked = []  # (name, time by the monotonic clock)
        self._sock = node.call(open_socket)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        cleanup.callback(self.close)

    def close(self):
        """Stop: the node's kernel rejects further queries. Idempotent."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._sock.close()

    def count(self, name):
        """Return: the number of queries for `name` (A and AAAA are two queries)."""
        return len(self.times(name))

    def times(self, name):
        """Return: the times of the queries for `name`, by the monotonic clock."""
        return [when for asked, when in list(self.asked) if asked == name]

    def _serve(self):
        while not self._stop.is_set():
            if select.select([self._sock], [], [], 0.05)[0]:
                query, source = self._sock.recvfrom(1500)
                answer = self._answer(query)
                if answer and not self.silent and self.asked[-1][0] not in self.mute:
                    self._sock.sendto(answer, source)

    def _answer(self, query):
        name, at = [], 12
        while query[at]:
            name.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        end = at + 5
        (kind,) = struct.unpack_from("!H", query, at + 1)
        name = ".".join(name)
        self.asked.append((name, time.monotonic()))
        known = name in self.records
        found = []
        for text in self.records.get(name, []):
            raw = ipaddress.ip_address(text).packed
            if (kind, len(raw)) in ((_A, 4), (_AAAA, 16)):
                found.append(struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(raw)) + raw)
        flags = 0x8180 if known else 0x8183
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + query[12:end] + b"".join(found)


def use_name_server(node, address, folder):
    """Make `address` the only name server of a node (which has its own mounts)."""
    for name, text in (
        ("resolv.conf", f"nameserver {address}\noptions timeout:5 attempts:1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
    ):
        path = os.path.join(folder, f"{node.name}-{name}")
        with open(path, "w") as file:
            file.write(text)
        if os.path.exists(f"/etc/{name}"):
            node.run("mount", "--bind", path, f"/etc/{name}")
