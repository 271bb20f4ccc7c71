# SPDX-License-Identifier: MIT
"""An XDP program that drops everything, on an interface of the calling thread's network namespace."""

import ctypes
import os
import socket
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_LOAD, _TYPE_XDP, _XDP_DROP = 5, 6, 1
_RTM_SETLINK, _ACK = 19, 0x0005
_IFLA_XDP, _FD, _FLAGS, _SKB_MODE = 43 | 0x8000, 1, 3, 2


def _load():
    """Return: a descriptor of the program `r0 = XDP_DROP; exit`."""
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xB7, 0, 0, _XDP_DROP) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"MIT")
    words = struct.pack("<IIQQ", _TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence))
    attr = ctypes.create_string_buffer(words.ljust(128, b"\0"), 128)
    fd = _libc.syscall(_SYS_BPF[os.uname().machine], _PROG_LOAD, attr, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return fd


def drop_all(ifname):
    """Attach the program to an interface, in the mode that every driver has."""
    fd = _load()
    inner = struct.pack("<HHi", 8, _FD, fd) + struct.pack("<HHI", 8, _FLAGS, _SKB_MODE)
    body = struct.pack("<BBHiII", 0, 0, 0, socket.if_nametoindex(ifname), 0, 0)
    body += struct.pack("<HH", 4 + len(inner), _IFLA_XDP) + inner
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(struct.pack("<IHHII", 16 + len(body), _RTM_SETLINK, _ACK, 1, 0) + body)
        error = struct.unpack_from("<i", link.recv(4096), 16)[0]
    os.close(fd)
    if error:
        raise OSError(-error, "XDP")
