# SPDX-License-Identifier: MIT
"""Sites with WireGuard only, without LAN: for tests of what is below the tunnel."""

from .node import Node
from .reference import PORT, new_site_keys
from .runner import wait_for
from .wirespan import Gateway


class Site:
    """Site number n: a node "vpn0N" with the tunnel addresses 10.0.1.N and fd00:1::N."""

    def __init__(self, number):
        self.number = number
        self.private, self.public = new_site_keys()
        self.node = Node(f"vpn0{number}")
        self.gateway = Gateway(self.node, self.node.name)
        self.wg4, self.wg6 = f"10.0.1.{number}", f"fd00:1::{number}"

    def configure(self, *peers, interface="", ipv6=True):
        """Write the configuration file. peers: (site, endpoint or None, more lines)."""
        lines = ["[Interface]", f"PrivateKey = {self.private}", f"ListenPort = {PORT}"]
        lines += [f"Address = {self.wg4}/24"] + ([f"Address = {self.wg6}/64"] if ipv6 else []) + [interface]
        for site, endpoint, *more in peers:
            lines += ["[Peer]", f"PublicKey = {site.public}"]
            lines += [f"AllowedIPs = {site.wg4}/32" + (f", {site.wg6}/128" if ipv6 else ""), *more]
            if endpoint:
                lines.append(f"Endpoint = {endpoint}")
        self.gateway.configure("\n".join(lines) + "\n")

    def reload(self):
        self.gateway.run("reload", self.gateway.conf)

    def peer(self, other):
        """Return: the peer `other` in the status."""
        keys = {p["public_key"]: p for p in self.gateway.status()["peers"]}
        return keys[other.public]

    def endpoint(self, other):
        """Return: the peer's endpoint as text, or None."""
        return self.peer(other)["endpoint"]

    def wait_endpoint(self, other, text, timeout=3):
        wait_for(
            lambda: text in (self.endpoint(other) or ""),
            timeout,
            what=f"endpoint {text} of vpn0{other.number}; it is {self.endpoint(other)}",
        )

    def reaches(self, other, family=4, **options):
        """Ping through the tunnel; every echo must be answered."""
        options.setdefault("count", 3)
        result = self.node.ping(other.wg4 if family == 4 else other.wg6, **options)
        assert result.ok, f"vpn0{self.number} to vpn0{other.number}: {result.out}\n{self.diagnostics()}"

    def diagnostics(self):
        text = self.gateway.run("status", self.gateway.conf, check=False).out
        return f"--- vpn0{self.number}\n{self.gateway.log_text()}\n{text}"


class Sites:
    """Several sites, closed together, and further nodes of the test."""

    def __init__(self, count, *others):
        self.sites = [Site(number + 1) for number in range(count)]
        self.others = [Node(name) for name in others]

    def __enter__(self):
        return (*self.sites, *self.others)

    def __exit__(self, kind, *_):
        if kind:
            for site in self.sites:
                print(site.diagnostics())
        for node in (*(site.node for site in self.sites), *self.others):
            node.close()
