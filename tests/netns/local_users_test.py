#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an unprivileged user (uid 65534) of the host can do to sites: hold locks, place files, change a configuration."""

import os
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn
from lib.node import Node, need_root
from lib.reference import new_site_keys
from lib.runner import Skip, Suite
from lib.wirespan import Gateway, difference, snapshot

OTHER = 65534
AS_OTHER = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "--"]
ACL = "system.posix_acl_access"

# Opens a path for reading and for writing, locks it, and holds it.
GRAB = """
import fcntl, os, sys, time
got = []
for path in sys.argv[1:]:
    for flags in (os.O_RDONLY, os.O_RDWR):
        try:
            fd = os.open(path, flags | os.O_NONBLOCK)
        except OSError:
            continue
        got.append(path)
        for lock in (fcntl.flock, fcntl.lockf):
            try:
                lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pass
print(os.getpid(), *got, flush=True)
time.sleep(600)
"""


class Bench:
    """A node with one site, without peers but with hooks."""

    def __init__(self):
        need_root()
        if not shutil.which("setpriv"):
            raise Skip("setpriv is not installed: util-linux")
        self.node = Node("shared")
        self.site = Gateway(self.node, "site")
        os.chmod(self.site.folder, 0o755)
        self.private, self.public = new_site_keys()
        self.configure()
        self.before = snapshot(self.node)

    def configure(self, key=None, hooks="PostUp = touch /run/hook-ran\n"):
        key = key or f"PrivateKey = {self.private}"
        self.site.configure(f"[Interface]\n{key}\nAddress = 10.0.1.1/24\n{hooks}")

    def grab(self, *paths):
        """Let the other user open and lock the paths. Return: (pid in the node, those that could be opened)."""
        child = self.node.popen(*AS_OTHER, sys.executable, "-c", GRAB, *paths, stdout=subprocess.PIPE, text=True)
        pid, *got = child.stdout.readline().split()
        return pid, set(got)

    def as_other(self, script, check=False):
        return self.node.run(*AS_OTHER, "sh", "-c", script, check=check)

    def unchanged(self):
        difference_now = difference(self.before, snapshot(self.node))
        assert not difference_now, difference_now


def locks(bench):
    """Locks that another user holds on both folders stop neither `up`, `down` nor wirespan-wg."""
    for folder in ("/run/wirespan", "/run/wireguard"):
        bench.node.run("mkdir", "-m", "755", folder)
    first, got = bench.grab("/run/wirespan", "/run/wireguard")
    assert got == {"/run/wirespan", "/run/wireguard"}, got
    bench.site.up()
    bench.site.down()
    for folder in ("/run/wirespan", "/run/wireguard"):
        bench.node.run("mkdir", "-p", "-m", "755", folder)
    second, _ = bench.grab("/run/wireguard")
    wg = DropIn(bench.node).start()
    wg.stop()
    bench.node.run("kill", first, second)
    bench.node.sh("rm -rf /run/wirespan /run/wireguard /run/hook-ran")
    bench.unchanged()


def running(bench):
    """Of a running site, another user can open, lock, create and connect to nothing."""
    bench.site.up()
    files = bench.node.sh("find /run/wirespan /run/wireguard ! -type d").out.split()
    assert {"/run/wirespan/site.sock", "/run/wirespan/site.lock", "/run/wireguard/wg0.sock"} <= set(files), files
    pid, got = bench.grab("/run/wirespan", *files)
    assert not got, got
    script = (
        "cd /run; for f in wirespan/a wireguard/a wirespan/site.state.new wirespan/.lock wireguard/.sock.lock; do"
        ' mkfifo "$f" 2>/dev/null && echo "made $f"; ln -s /etc "$f" 2>/dev/null && echo "linked $f"; done; true'
    )
    assert bench.as_other(script).out == "", bench.as_other(script).out
    for path in ("/run/wirespan/site.sock", "/run/wireguard/wg0.sock"):
        result = bench.node.run(
            *AS_OTHER, sys.executable, "-c",
            f"import socket; socket.socket(socket.AF_UNIX).connect('{path}')", check=False,
        )  # fmt: skip
        assert "PermissionError" in result.out, result.out
    result = bench.as_other(f"{bench.site.binary} status site")
    assert result.status == 1 and "sudo" in result.out, result.out
    bench.site.down()
    bench.node.run("kill", pid)
    bench.node.sh("rm -f /run/hook-ran")
    bench.unchanged()


HOLD = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(fd, fcntl.LOCK_EX)
os.write(fd, b"%d\\n" % os.getpid())
print(os.getpid(), flush=True)
time.sleep(600)
"""


def held(bench):
    """A lock that a process of root's holds is waited for only so long, and the process is named."""
    bench.node.run("mkdir", "-m", "700", "/run/wirespan")
    path = "/run/wirespan/.sock.lock"
    child = bench.node.popen(sys.executable, "-c", HOLD, path, stdout=subprocess.PIPE, text=True)
    pid = child.stdout.readline().strip()
    result = bench.site.run("up", bench.site.conf, check=False)
    assert result.status == 1 and f"process {pid} holds the lock {path}" in result.out, result.out
    bench.node.run("kill", pid)
    child.wait()
    bench.site.up()
    bench.site.down()
    bench.node.sh("rm -rf /run/wirespan /run/hook-ran")
    bench.unchanged()


def left_locks(bench):
    """Lock files that a killed process has left are removed by `down`."""
    for folder in ("/run/wirespan", "/run/wireguard"):
        bench.node.sh(f"mkdir -m 700 {folder}; echo 1 >{folder}/.sock.lock; chmod 600 {folder}/.sock.lock")
    bench.site.run("down", "site", check=False)
    bench.unchanged()


def open_run_folder(bench):
    """A run folder that another user can fill or prepare is refused, at once, with the command that fixes it."""
    folder = "/run/shared"
    bench.node.sh(f"mkdir {folder}; chmod 1777 {folder}")
    bench.as_other(f"mkfifo {folder}/site.lock {folder}/site.state {folder}/site.sock {folder}/.lock", check=True)
    site = Gateway(bench.node, "site", folder=bench.site.folder, env={"WIRESPAN_RUNDIR": folder})
    for mode, fix in ((0o1777, f"chmod go-w {folder}"), (0o777, f"chmod go-w {folder}"), (0o755, f"chown -h root {folder}")):
        owner = OTHER if mode == 0o755 else 0
        os.chown(bench.node.path(folder), owner, owner)
        os.chmod(bench.node.path(folder), mode)
        for verb in ("up", "down"):
            result = site.run(verb, site.conf, check=False)
            assert result.status == 1 and "Not safe" in result.out and fix in result.out, result.out
    bench.node.sh(f"rm -r {folder}")
    assert not os.path.exists(bench.node.path("/run/hook-ran"))
    bench.unchanged()


# ---- configurations ------------------------------------------------------------------------------


def acl(uid=None, gid=None):
    """Return: an ACL, as the kernel takes it, of mode 600 that lets one more user or group write."""
    entries = [(0x01, 6, 0xFFFFFFFF), (0x04, 0, 0xFFFFFFFF), (0x10, 6, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    entries += [(0x02, 6, uid)] if uid else [(0x08, 6, gid)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))


def refused(bench, path, fix, expected):
    """The file or folder of the configuration makes `up` and `validate` fail; the fix in the hint helps."""
    result = bench.site.run("up", path, check=False)
    assert result.status == 2 and expected in result.out and fix in result.out, (expected, fix, result.out)
    assert not os.path.exists(bench.node.path("/run/hook-ran")), "the hook has run"
    result = bench.site.run("validate", path, check=False)
    assert result.status == 1 and expected in result.out and fix in result.out, (expected, fix, result.out)
    result = bench.site.run("validate", "--offline", path, check=False)
    assert result.status == 0 and f"warning: not safe: {expected}" in result.out, result.out
    bench.node.sh(fix)
    assert bench.site.run("validate", path).ok


def configuration(bench):
    """Whatever lets another user change the file: owner, mode, group, folder, link, ACL."""
    conf, folder = bench.site.conf, bench.site.folder
    os.chmod(conf, 0o666)
    bench.as_other(f"echo 'PostUp = touch /run/hook-of-another' >>{conf}", check=True)
    refused(bench, conf, f"chmod go-w {conf}", "all users can change")
    bench.configure()
    os.chown(conf, OTHER, 0)
    refused(bench, conf, f"chown -h root {conf}", f"the user with uid {OTHER} can change")
    os.chown(conf, 0, OTHER)
    os.chmod(conf, 0o620)
    refused(bench, conf, f"chmod g-w {conf}", f"the group with gid {OTHER} can change")
    os.chown(conf, 0, 0)
    os.chmod(conf, 0o620)
    assert bench.site.run("validate", conf).ok, "the group of root is trusted"
    os.chmod(conf, 0o600)
    os.chmod(folder, 0o777)
    refused(bench, conf, f"chmod go-w {folder}", "all users can change")
    os.chmod(folder, 0o755)
    inner = f"{folder}/inner"
    os.mkdir(inner, 0o755)
    shutil.copy(conf, f"{inner}/site.conf")
    os.chown(inner, OTHER, OTHER)
    result = bench.site.run("up", f"{inner}/site.conf", check=False)
    assert result.status == 2 and f"the user with uid {OTHER} can change {inner}, as its owner" in result.out, result.out
    assert "move the file to a folder" in result.out and "chown" not in result.out, result.out
    os.chown(inner, 0, OTHER)
    os.chmod(inner, 0o1777)
    assert bench.site.run("validate", f"{inner}/site.conf").ok, "a folder with the sticky bit"
    link = f"{folder}/link.conf"
    os.chmod(inner, 0o777)
    os.symlink("inner/site.conf", link)
    refused(bench, link, f"chmod go-w {inner}", "all users can change")
    os.lchown(link, OTHER, OTHER)
    refused(bench, link, f"chown -h root {link}", f"the user with uid {OTHER} can change")


def programs_of_hooks(bench):
    """A program that a hook starts by its path, and that another user can change, is named by validate and up."""
    script = f"{bench.site.folder}/hook"
    with open(script, "w") as file:
        file.write("#!/bin/sh\nexit 7\n")
    os.chmod(script, 0o777)
    for key, words in (("PostUp", script), ("PreUp", f"/bin/sh {script} %i"), ("PostUp", f"exec {script}; true")):
        bench.configure(hooks=f"{key} = {words}\n")
        for verb, status in (("validate", 0), ("up", 1)):
            result = bench.site.run(verb, bench.site.conf, check=False)
            assert result.status == status, result.out
            assert f"{key} runs a program as root that is not safe: " in result.out and f"chmod go-w {script}" in result.out, result.out
    os.chmod(script, 0o755)
    assert "not safe" not in bench.site.run("validate", bench.site.conf).out
    bench.configure(hooks=f"PostUp = /bin/true; echo {script}\nPostDown = true\n")
    os.chmod(script, 0o777)
    assert "not safe" not in bench.site.run("validate", bench.site.conf).out
    bench.configure()


def acls(bench):
    conf = bench.site.conf
    for value, who, fix in (
        (acl(uid=OTHER), f"the user with uid {OTHER}", f"setfacl -x u:{OTHER} {conf}"),
        (acl(gid=OTHER), f"the group with gid {OTHER}", f"setfacl -x g:{OTHER} {conf}"),
    ):
        bench.configure()
        try:
            os.setxattr(conf, ACL, value)
        except OSError as error:
            raise Skip(f"no ACLs in {bench.site.folder}: {error}") from None
        result = bench.site.run("up", conf, check=False)
        assert result.status == 2 and who in result.out and fix in result.out, result.out
        os.removexattr(conf, ACL)
        os.chmod(conf, 0o600)
        assert bench.site.run("validate", conf).ok


def keys_and_reload(bench):
    """A key file likewise; and what was changed after `up` is refused by `reload`."""
    key = f"{bench.site.folder}/key"
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(bench.private)
    bench.configure(key=f"PrivateKeyFile = {key}")
    os.chmod(key, 0o622)
    refused(bench, bench.site.conf, f"chmod go-w {key}", "all users can change")
    bench.site.up()
    os.chmod(bench.site.conf, 0o602)
    result = bench.site.run("reload", bench.site.conf, check=False)
    assert result.status == 1 and "not safe: all users can change" in result.out, result.out
    os.chmod(bench.site.conf, 0o600)
    assert bench.site.run("reload", bench.site.conf).ok
    bench.site.down()


def captures(bench):
    """A capture is not written to what another user has placed: a file, a link, or another name of a file."""
    bench.site.up()
    folder = "/run/captures"
    bench.node.sh(f"mkdir -m 777 {folder}; echo precious >/run/victim; ln /run/victim {folder}/name")
    bench.as_other(f"touch {folder}/file; ln -s /run/victim {folder}/link; ln -s /run/absent {folder}/nowhere", check=True)
    for name in ("file", "link", "nowhere", "name"):
        result = bench.site.run("capture", "--time", "1", "-w", f"{folder}/{name}", bench.site.conf, check=False)
        assert result.status == 1 and "belongs to another user, or has another name" in result.out, (name, result.out)
    assert bench.node.run("cat", "/run/victim").out == "precious\n"
    assert bench.node.run("cat", f"{folder}/file").out == ""
    assert not os.path.exists(bench.node.path("/run/absent"))
    bench.node.sh(f"echo old >/run/own; ln -s /run/own {folder}/own")
    for path in ("/run/own", f"{folder}/own", f"{folder}/new"):
        bench.site.run("capture", "--time", "1", "-w", path, bench.site.conf)
        with open(bench.node.path(path if path != f"{folder}/own" else "/run/own"), "rb") as file:
            assert file.read(4) == b"\x0a\x0d\x0d\x0a", path
    bench.site.down()
    bench.node.sh(f"rm -rf {folder} /run/victim /run/own /run/hook-ran")
    bench.unchanged()


def main():
    suite = Suite("local users")
    box = {}

    def prepare():
        box["bench"] = Bench()

    if suite.setup("a node", prepare):
        bench = box["bench"]
        suite.diagnose_with(lambda: bench.node.sh("find /run -ls", check=False).out + bench.site.log_text())
        suite.run("locks on the folders", locks, bench)
        suite.run("the files of a running site", running, bench)
        suite.run("a lock that is held", held, bench)
        suite.run("locks left by a killed process", left_locks, bench)
        suite.run("a run folder of all users", open_run_folder, bench)
        suite.run("who can change the configuration", configuration, bench)
        suite.run("programs of hooks", programs_of_hooks, bench)
        suite.run("ACLs", acls, bench)
        suite.run("key files, and reload", keys_and_reload, bench)
        suite.run("files for captures", captures, bench)
    suite.finish()


if __name__ == "__main__":
    main()
