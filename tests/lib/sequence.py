# SPDX-License-Identifier: MIT
"""Numbered datagrams between members, in both directions at once: which were lost, and how long each took."""

import socket
import struct
import threading
import time

# Small ones, and some that leave in fragments.
LENGTHS = (100, 1400, 100, 1472)

# Room for all that is sent while a receiver does not run.
BUFFER = 64 << 20

HEAD = struct.Struct("<IQ")

SO_TIMESTAMPNS = 35  # the time at which the kernel received a datagram


def member_socket(node, address):
    """Return: a UDP socket of a node, with much room."""

    def make():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, BUFFER)  # SO_RCVBUFFORCE
        s.setsockopt(socket.SOL_SOCKET, 32, BUFFER)  # SO_SNDBUFFORCE
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        s.bind((address, 0))
        return s

    return node.call(make)


class Direction:
    """One sender and one receiver."""

    def __init__(self, near, from_address, far, to_address, rate):
        self.sender, self.receiver = member_socket(near, from_address), member_socket(far, to_address)
        self.receiver.settimeout(0.1)
        self.rate = rate
        self.sent = 0
        self.numbers, self.delays = [], []
        self.ending = self.all_sent = False
        self.threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        to = self.receiver.getsockname()
        start = time.monotonic()
        while not self.ending:
            due = int((time.monotonic() - start) * self.rate)
            for _ in range(min(due - self.sent, 200)):
                body = HEAD.pack(self.sent, time.time_ns()).ljust(LENGTHS[self.sent % len(LENGTHS)], b"x")
                self.sender.sendto(body, to)
                self.sent += 1
            time.sleep(0.001)
        self.all_sent = True

    def _receive(self):
        quiet = 0
        while not self.all_sent or (len(self.numbers) < self.sent and quiet < 50):
            try:
                data, control, _, _ = self.receiver.recvmsg(2048, 64)
            except TimeoutError:
                quiet += self.all_sent
                continue
            quiet = 0
            number, sent_at = HEAD.unpack_from(data)
            seconds, ns = struct.unpack("qq", control[0][2])
            self.numbers.append(number)
            self.delays.append(seconds * 10**9 + ns - sent_at)

    def stop(self):
        """End it, and wait for what is in transit."""
        self.ending = True
        for thread in self.threads:
            thread.join()
        self.sender.close()
        self.receiver.close()

    def lost(self):
        """Return: the numbers that did not arrive."""
        return sorted(set(range(self.sent)) - set(self.numbers))

    def twice(self):
        """Return: how many arrived more than once."""
        return len(self.numbers) - len(set(self.numbers))

    def longest_delay(self):
        """Return: the longest time between sending and arrival, in ms, which contains any pause of a gateway."""
        return max(self.delays, default=float("inf")) / 10**6


class Sequence:
    """Both directions between two members. A context manager."""

    def __init__(self, near, near_address, far, far_address, rate=1500):
        self.directions = [
            Direction(near, near_address, far, far_address, rate),
            Direction(far, far_address, near, near_address, rate),
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for direction in self.directions:
            direction.stop()

    def check(self):
        """All has arrived, once."""
        for d in self.directions:
            assert d.sent > 100, f"only {d.sent} were sent"
            assert not d.lost(), f"{len(d.lost())} of {d.sent} were lost: {d.lost()[:20]}"
            assert not d.twice(), f"{d.twice()} of {d.sent} arrived twice"

    def longest_delay(self):
        """Return: the longest delay in either direction, in ms."""
        return max(d.longest_delay() for d in self.directions)
