# SPDX-License-Identifier: MIT
"""tinc 1.0 as a switch."""

import os
import subprocess

from lib.reference import PORT
from lib.wirespan import scratch

from . import Tunnel, wait_for_link


class Tinc(Tunnel):
    """Debian's defaults for cipher and digest."""

    name = "tinc"
    program = "tincd"
    mtu = 1420
    encrypts = True

    def up(self):
        folders = [self._configure(site) for site in self.net.sites]
        for here, there in (folders, reversed(folders)):
            for name in os.listdir(f"{here}/hosts"):
                with open(f"{here}/hosts/{name}") as file, open(f"{there}/hosts/{name}", "w") as copy:
                    copy.write(file.read())
        for vpn, folder in zip(self.net.vpn, folders):
            vpn.popen("tincd", "-c", folder, "-D", f"--pidfile={folder}/pid", stderr=subprocess.DEVNULL)
            wait_for_link(vpn, "tap0")
            vpn.bridge("br-bench", "tap0", "eth1")

    def _configure(self, site):
        folder = os.path.join(scratch(), f"tinc-{site.name}")
        os.makedirs(f"{folder}/hosts", exist_ok=True)
        for name in os.listdir(f"{folder}/hosts"):
            os.unlink(f"{folder}/hosts/{name}")
        others = "".join(f"ConnectTo = {other.name}\n" for other in self.net.sites if other is not site)
        with open(f"{folder}/tinc.conf", "w") as file:
            file.write(f"Name = {site.name}\nMode = switch\nInterface = tap0\nAddressFamily = ipv4\n{others}")
        with open(f"{folder}/hosts/{site.name}", "w") as file:
            file.write(f"Address = {site.underlay}\nPort = {PORT}\n")
        for key in ("rsa_key.priv",):
            if os.path.exists(f"{folder}/{key}"):
                os.unlink(f"{folder}/{key}")
        subprocess.run(["tincd", "-c", folder, "-K", "2048"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return folder


def all_of(net):
    return [Tinc(net)]
