# SPDX-License-Identifier: MIT
"""fastd, with two of its methods."""

import os
import subprocess

from lib.reference import PORT
from lib.wirespan import scratch

from . import Tunnel, wait_for_link


class Fastd(Tunnel):
    """fastd in TAP mode with one of its methods; 1426 is the MTU its documentation gives for IPv4."""

    program = "fastd"
    mtu = 1426
    encrypts = True

    def __init__(self, net, method):
        super().__init__(net)
        self.method = method
        self.name = f"fastd {method}"
        self.encrypts = method != "null"

    def up(self):
        keys = [_fastd_keys() for _ in self.net.vpn]
        for near in (0, 1):
            vpn, far = self.net.vpn[near], 1 - near
            conf = os.path.join(scratch(), "fastd.conf")
            with open(conf, "w") as file:
                file.write(
                    f'interface "fastd0"; mode tap; mtu {self.mtu}; method "{self.method}"; log level error;\n'
                    f'bind {self.net.sites[near].underlay}:{PORT}; secret "{keys[near][0]}";\n'
                    f'peer "far" {{ key "{keys[far][1]}"; remote {self.net.sites[far].underlay}:{PORT}; }}\n'
                )
            vpn.popen("fastd", "-c", conf, stderr=subprocess.DEVNULL)
            wait_for_link(vpn, "fastd0")
            vpn.bridge("br-bench", "fastd0", "eth1")


def _fastd_keys():
    def fastd(*words):
        return subprocess.run(
            ["fastd", "--machine-readable", *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    secret = fastd("--generate-key")
    conf = os.path.join(scratch(), "key.conf")
    with open(os.open(conf, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(f'secret "{secret}";\n')
    return secret, fastd("--config", conf, "--show-key")


def all_of(net):
    return [Fastd(net, "salsa2012+umac"), Fastd(net, "null")]
