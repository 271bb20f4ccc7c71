# SPDX-License-Identifier: MIT
"""Raw frames in and out of a node's interface, and checks of the traffic on an underlay.

AF_PACKET reception moves the outermost VLAN tag out of the frame into PACKET_AUXDATA; RawPort restores it, so that
the frame is what was on the wire.
"""

import select
import socket
import struct
import threading
import time

from .frames import ETH_ARP, ETH_IPV6, ICMP6, UDP, Packet

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_AUXDATA, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 8, 6, 23
_TP_STATUS_VLAN_VALID, _TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
_PACKET_OUTGOING = 4
_SO_TIMESTAMPNS = 35
_SNAP = 65536 + 64


class RawPort:
    """One interface of a node, for sending and receiving whole frames; `when` is the time of the last, by the kernel."""

    def __init__(self, node, ifname, ignore_outgoing=True):
        def open_socket():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            if ignore_outgoing:
                sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
            sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
            sock.bind((ifname, _ETH_P_ALL))
            return sock

        self.sock = node.call(open_socket)
        self.ifname = ifname

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, frame):
        """Send one frame unmodified."""
        self.sock.send(frame)

    def receive(self, timeout=10.0):
        """Return: the next frame with its VLAN tag restored, or None after `timeout` seconds.

        timeout: the default is for a frame that must come; one that must not come is waited for briefly.
        """
        if not select.select([self.sock], [], [], timeout)[0]:
            return None
        frame, control, _, _ = self.sock.recvmsg(_SNAP, 256)
        self.when = _passed(control)
        return _retag(frame, control)

    def expect(self, match, timeout=20.0):
        """Return: the first frame for which `match(Packet)` is true, or None if none arrived in time (see receive())."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is not None and match(Packet(frame)):
                return frame
        return None

    def drops(self):
        """Return: the number of frames that the kernel dropped on this socket since the last call."""
        _, dropped = struct.unpack("II", self.sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return dropped


def _passed(control):
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return seconds + nanoseconds / 1e9
    return time.time()


def _retag(frame, control):
    for level, kind, data in control:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA and len(data) >= 20:
            status, _, _, _, _, tci, tpid = struct.unpack_from("IIIHHHH", data)
            if status & _TP_STATUS_VLAN_VALID:
                tpid = tpid if status & _TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


class Capture:
    """Records every frame on an interface, in both directions, from construction to stop()."""

    def __init__(self, node, ifname):
        self.port = RawPort(node, ifname, ignore_outgoing=False)
        self.frames = []
        self._problem = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _collect(self):
        try:
            last = False
            while not last:  # what was there before stop() is read after it
                last = self._stop.is_set()
                frame = self.port.receive(0 if last else 0.1)
                while frame is not None:
                    self.frames.append((self.port.when, frame))
                    frame = self.port.receive(0)
        except OSError as problem:  # the interface was removed; stop() raises it
            self._problem = problem

    def stop(self):
        """Stop recording after reading what has arrived. Return: list of Packet."""
        if not self._stop.is_set():
            time.sleep(0.05)
            self._stop.set()
            self._thread.join()
            if self._problem:
                raise self._problem
            self.dropped = self.port.drops()
            self.port.close()
        return [Packet(frame) for _, frame in self.frames]

    def save(self, path):
        """Write a pcap file."""
        with open(path, "wb") as file:
            file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP, 1))
            for when, frame in self.frames:
                file.write(
                    struct.pack("=IIII", int(when), int(when % 1 * 1e6), len(frame), len(frame)) + frame
                )


def read_pcap(path):
    """Return: list of Packet of a pcap file (Ethernet, microseconds, either byte order)."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    magic, _, _, _, _, _, link = struct.unpack_from(order + "IHHiIII", data)
    if magic != 0xA1B2C3D4 or link != 1:
        raise ValueError(f"{path}: not a pcap file of Ethernet frames")
    packets, at = [], 24
    while at + 16 <= len(data):
        _, _, length, _ = struct.unpack_from(order + "IIII", data, at)
        packets.append(Packet(data[at + 16 : at + 16 + length]))
        at += 16 + length
    return packets


def is_neighbour_talk(packet):
    """True for packets that hosts send unasked on any link: ARP, neighbour and router discovery, MLD."""
    if packet.ethertype == ETH_ARP:
        return True
    if packet.ethertype != ETH_IPV6:
        return False
    return (
        packet.protocol == ICMP6
        and packet.payload[:1]
        and packet.payload[0] in (130, 131, 132, 133, 134, 135, 136, 143)
    )


def is_wireguard(packet, ports):
    """True for a whole UDP datagram between `ports` with the form of a WireGuard message."""
    if packet.protocol != UDP or packet.fragment or packet.sport not in ports or packet.dport not in ports:
        return False
    data = packet.payload
    if len(data) < 4 or data[1:4] != b"\0\0\0":
        return False
    exact = {1: 148, 2: 92, 3: 64}.get(data[0])
    return len(data) == exact if exact else data[0] == 4 and len(data) >= 32


def foreign_on_underlay(packets, ports=(8172,)):
    """Return: the packets that do not belong on an underlay that only carries WireGuard."""
    return [p for p in packets if not is_wireguard(p, ports) and not is_neighbour_talk(p)]


def check_underlay(packets, ports=(8172,), mtu=None, secrets=()):
    """Assert that an underlay carried WireGuard, and nothing else, in whole packets within `mtu`.

    secrets: byte strings of the members' traffic that must not appear in clear.
    Return: the number of WireGuard packets.
    """
    fragments = [p for p in packets if p.fragment]
    assert not fragments, f"IP fragments on the underlay: {fragments[:3]}"
    foreign = foreign_on_underlay(packets, ports)
    assert not foreign, f"{len(foreign)} packets on the underlay are not WireGuard: {foreign[:3]}"
    guarded = [p for p in packets if is_wireguard(p, ports)]
    assert guarded, "no WireGuard packet was seen on the underlay"
    if mtu:
        long = [p for p in guarded if len(p.l3) > mtu]
        assert not long, f"longer than the underlay's MTU {mtu}: {long[:3]}"
    for secret in secrets:
        assert not any(secret in p.frame for p in packets), f"seen in clear on the underlay: {secret!r}"
    return len(guarded)
