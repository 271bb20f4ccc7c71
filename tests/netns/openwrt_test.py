#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The protocol handler for OpenWrt's netifd runs a site: netifd's functions are replaced by ones that record their calls
and start and end the process, as netifd does; the shell is busybox's, as there."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import difference, scratch, snapshot

HERE = os.path.dirname(os.path.abspath(__file__))
HANDLER = os.path.realpath(os.path.join(HERE, "..", "..", "dist", "openwrt", "files", "wirespan.sh"))
PATIENCE = 60

# What netifd-proto.sh offers, in a folder with what it records. $1: setup or teardown; $2: the interface.
NETIFD = """
folder={folder}
record() {{ echo "$*" >>$folder/calls; }}
init_proto() {{ :; }}
add_protocol() {{ record add_protocol "$@"; }}
proto_config_add_string() {{ record proto_config_add_string "$@"; }}
proto_notify_error() {{ record proto_notify_error "$@"; }}
proto_block_restart() {{ record proto_block_restart "$@"; }}
proto_init_update() {{ record proto_init_update "$@"; }}
proto_send_update() {{ record proto_send_update "$@"; }}
proto_run_command() {{
	record proto_run_command "$@"
	shift
	setsid "$@" >>$folder/log 2>&1 </dev/null &
	echo $! >$folder/pid
}}
proto_kill_command() {{
	record proto_kill_command "$@"
	[ ! -e $folder/pid ] || kill "$(cat $folder/pid)" 2>/dev/null
	rm -f $folder/pid
}}
json_get_vars() {{ site=$(cat $folder/site); }}
jsonfilter() {{ {python} -c 'import json, sys; print(json.load(sys.stdin)["wireguard"]["name"])' 2>/dev/null; }}
logger() {{ cat >>$folder/syslog; }}
INCLUDE_ONLY=1
. {handler}
proto_wirespan_$1 "$2"
"""


class Bench:
    """The reference network, whose near site the handler runs."""

    def __init__(self):
        self.net = Reference()
        self.net.configure()
        self.near, far = self.net.gateway
        self.near.node.settle()
        self.before = snapshot(self.near.node)
        far.up()
        self.folder = scratch()
        self.shell = ["busybox", "ash"] if shutil.which("busybox") else ["sh"]
        with open(self.path("netifd.sh"), "w") as file:
            file.write(NETIFD.format(folder=self.folder, python="/usr/bin/python3", handler=HANDLER))

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        if not os.path.exists(self.path(name)):
            return ""
        with open(self.path(name)) as file:
            return file.read()

    def handle(self, action, site, wait=PATIENCE):
        """Call the handler. Return: (exit status, the calls that it made)."""
        for name in ("calls", "syslog"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        with open(self.path("site"), "w") as file:
            file.write(site)
        settings = {**os.environ, "WIRESPAN": self.near.binary, "WIRESPAN_WAIT": str(wait)}
        words = [*self.shell, self.path("netifd.sh"), action, "branch"]
        result = self.near.node.run(*words, env=settings, check=False, timeout=4 * PATIENCE)
        return result.status, self.read("calls").splitlines()

    def ping(self):
        return self.net.member[0].ping(self.net.sites[1].member4, count=1, timeout=0.5).ok

    def pid(self):
        return self.near.status()["pid"]

    def check_clean(self):
        self.near.node.settle()
        left = difference(self.before, snapshot(self.near.node))
        assert not left, left


def described(bench):
    """The handler declares its option; it has no fault that shellcheck finds."""
    status, calls = bench.handle("init_config", "")
    assert status == 0 and calls == ["proto_config_add_string site"], calls
    if not shutil.which("shellcheck"):
        raise Skip("shellcheck is not installed")
    result = subprocess.run(["shellcheck", "-s", "dash", HANDLER], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout


def comes_up(bench):
    """setup starts the site and reports its device once frames pass; teardown ends it and leaves nothing."""
    conf = bench.near.conf
    status, calls = bench.handle("setup", conf)
    report = [f"proto_run_command branch {bench.near.binary} up {conf}", "proto_init_update wg0 1 1", "proto_send_update branch"]
    assert status == 0 and calls == report, (calls, bench.read("log"), bench.read("syslog"))
    wait_for(bench.ping, PATIENCE, what="the segment")
    assert str(bench.pid()) == bench.read("pid").strip(), "netifd's process is that of the site"
    status, calls = bench.handle("teardown", conf)
    assert status == 0 and calls == ["proto_kill_command branch"], calls
    bench.check_clean()


def after_a_crash(bench):
    """netifd calls teardown and setup when the process ends: the site comes up again."""
    conf = bench.near.conf
    assert bench.handle("setup", conf)[0] == 0
    bench.near.node.run("kill", "-KILL", bench.read("pid").strip())
    assert bench.handle("teardown", conf)[0] == 0
    bench.check_clean()
    status, calls = bench.handle("setup", conf)
    assert status == 0 and calls[-1] == "proto_send_update branch", (calls, bench.read("log"))
    wait_for(bench.ping, PATIENCE, what="the segment")
    bench.handle("teardown", conf)


def mistakes(bench):
    """A file with a mistake, a file that does not exist and no site are errors that another try does not repeat."""
    path = bench.path("wrong.conf")
    with open(bench.near.conf) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("ListenPort", "ListenPrt"))
    os.chmod(path, 0o600)
    for site, error in ((path, "INVALID_FILE"), (bench.path("none.conf"), "INVALID_FILE"), ("", "NO_SITE")):
        status, calls = bench.handle("setup", site)
        assert status == 1, (site, calls)
        assert calls == [f"proto_notify_error branch {error}", "proto_block_restart branch"], (site, calls)
        assert bool(site) == ("conf" in bench.read("syslog")), bench.read("syslog")
        assert bench.handle("teardown", site)[0] == 0
    bench.check_clean()


def not_up(bench):
    """A site that does not come up in time is ended, and netifd tries again."""
    binary = bench.path("slow")
    with open(binary, "w") as file:
        file.write(f'#!/bin/sh\n[ "$1" = up ] && exec sleep 300\nexec {bench.near.binary} "$@"\n')
    os.chmod(binary, 0o755)
    real, bench.near.binary = bench.near.binary, binary
    try:
        status, calls = bench.handle("setup", bench.near.conf, wait=1)
    finally:
        bench.near.binary = real
    assert status == 1 and calls[1:] == ["proto_notify_error branch NOT_UP", "proto_kill_command branch"], calls
    wait_for(lambda: "sleep 300" not in bench.near.node.processes().values(), PATIENCE, what="the process's end")


def main():
    need_root()
    suite = Suite("openwrt")
    bench = Bench()
    suite.diagnose_with(bench.net.diagnostics)
    for name, case in (
        ("its description", described),
        ("up and down", comes_up),
        ("after a crash", after_a_crash),
        ("mistakes", mistakes),
        ("not up in time", not_up),
    ):
        suite.run(name, case, bench)
    bench.net.close()
    suite.finish()


if __name__ == "__main__":
    main()
