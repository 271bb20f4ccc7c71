# SPDX-License-Identifier: MIT
"""OpenVPN."""

import subprocess

from lib.reference import PORT
from lib.wirespan import scratch

from . import Tunnel, wait_for_link


class Openvpn(Tunnel):
    """OpenVPN in TAP mode, AES-256-GCM: self-signed certificates, identified by their fingerprints."""

    name = "openvpn tap AES-256-GCM"
    program = "openvpn"
    mtu = 1408
    encrypts = True

    def up(self):
        folder = scratch()
        prints = []
        for name in ("vpn01", "vpn02"):
            key, cert = f"{folder}/{name}.key", f"{folder}/{name}.crt"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes"]
                + ["-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}"],
                capture_output=True,
                check=True,
            )
            line = ["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256"]
            prints.append(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split("=")[1].strip())
        for near, role in ((0, ["--tls-server", "--dh", "none"]), (1, ["--tls-client"])):
            site, far = self.net.sites[near], self.net.sites[1 - near]
            vpn = self.net.vpn[near]
            vpn.popen(
                *("openvpn", "--dev", "tap0", "--dev-type", "tap", "--proto", "udp", "--port", str(PORT)),
                *("--local", site.underlay, "--remote", far.underlay, str(PORT), *role, "--verb", "0"),
                *("--key", f"{folder}/{site.name}.key", "--cert", f"{folder}/{site.name}.crt"),
                *("--peer-fingerprint", prints[1 - near], "--data-ciphers", "AES-256-GCM", "--cipher", "AES-256-GCM"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for_link(vpn, "tap0")
            vpn.bridge("br-bench", "tap0", "eth1")


def all_of(net):
    return [Openvpn(net)]
