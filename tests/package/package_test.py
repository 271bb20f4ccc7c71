#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian package: it builds, lintian accepts it, and under a systemd that is booted for it, it is installed, runs a
site, is upgraded and is purged (booted.py has these cases).

And two hosts that are booted with it follow doc/start.md and README.md (two_hosts.py).

Theory of operation: the container's file system is an overlay over that of this host, in memory, so that nothing has to
be downloaded and nothing is changed. systemd-nspawn boots it in a network of its own, to a target that runs booted.py
and shuts the container down. Mounts and processes are in namespaces that end with this test."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib.node import need_root
from lib.runner import Skip, Suite, cleanup, patience

TOP = os.path.realpath(os.path.join(HERE, "..", ".."))

# Run by a shell with the folder of the overlay and the command of systemd-nspawn.
BOOT = """
set -e
folder=$1
shift
mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o lowerdir=/,upperdir="$folder/upper",workdir="$folder/work" overlay "$folder/root"
exec "$@"
"""

TARGET = """[Unit]
Requires=basic.target cases.service
After=basic.target
"""

# The container ends with its cases, also if they end early.
SERVICE = """[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart={python} {here}/{program} {selection}
Environment=PYTHONDONTWRITEBYTECODE=1
StandardOutput=append:/results/log
StandardError=append:/results/log
"""


def need(*programs):
    """Skip unless the programs are installed."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def run(words, timeout, **options):
    """Run a command. Return: its output; raises AssertionError with it on failure."""
    done = subprocess.run(
        words, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        text=True, errors="replace", timeout=patience(timeout), **options,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(words)}: status {done.returncode}\n{done.stdout}"
    return done.stdout


def build(folder, tree=TOP):
    """Build the packages of a tree into a folder."""
    need("dpkg-buildpackage", "dh", "fakeroot")
    compiler = "ccache gcc" if shutil.which("ccache") else "gcc"
    # Without debugging symbols and half of the optimisation: it takes half of the time.
    settings = dict(os.environ, CC=compiler, DEB_CFLAGS_APPEND="-O1 -g0", DEB_BUILD_OPTIONS="noautodbgsym")
    subprocess.run(
        ["dist/build-deb", "--no-tests", folder], cwd=tree, check=True, timeout=3600, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, env=settings,
    )  # fmt: skip


def lint(folder):
    """No finding at any level."""
    need("lintian")
    (changes,) = glob.glob(f"{folder}/*.changes")
    out = run(["lintian", "--allow-root", "--pedantic", "--display-info", changes], 1200)
    assert not out.strip(), out


def repack(package, version, folder):
    """Write the package with another version into a folder. Return: its path."""
    with tempfile.TemporaryDirectory() as scratch:
        run(["dpkg-deb", "-R", package, scratch], 60)
        path = os.path.join(scratch, "DEBIAN", "control")
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"Version: {version}\n" if line.startswith("Version:") else line for line in lines)
        result = os.path.join(folder, "before.deb")
        run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", scratch, result], 60)
    return result


def boot(packages, selection, program="booted.py", before=None):
    """Run a program of this folder in a container; print its output. Its cases count by themselves.

    before: the package of an older version, or this one with another number.
    """
    need("systemd-nspawn", "dpkg-deb")
    need_root()
    if not os.path.exists("/lib/systemd/systemd"):
        raise Skip("not installed: systemd")
    results = cleanup.enter_context(tempfile.TemporaryDirectory())
    overlay = cleanup.enter_context(tempfile.TemporaryDirectory())
    (package,) = glob.glob(f"{packages}/wirespan_*.deb")
    shutil.copy(package, f"{results}/now.deb")
    (package_of_exporter,) = glob.glob(f"{packages}/wirespan-exporter_*.deb")
    shutil.copy(package_of_exporter, f"{results}/exporter.deb")
    if before:
        shutil.copy(before, f"{results}/before.deb")
    else:
        repack(package, "0.9", results)
    with open(f"{results}/cases.target", "w", encoding="utf-8") as file:
        file.write(TARGET)
    with open(f"{results}/cases.service", "w", encoding="utf-8") as file:
        file.write(SERVICE.format(python=sys.executable, here=HERE, program=program, selection=selection))
    out = run(
        [
            "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", BOOT, "sh", overlay,
            "systemd-nspawn", "--quiet", "--boot", f"--directory={overlay}/root", "--register=no", "--keep-unit",
            "--private-network", "--capability=all", "--uuid=b5a7c1d29e8f4a31b0c6d4e5f6071829", "--link-journal=no",
            "--console=pipe", "--bind=/dev/net/tun", f"--bind={results}:/results", f"--bind-ro={TOP}",
            f"--bind-ro={results}/cases.target:/etc/systemd/system/cases.target",
            f"--bind-ro={results}/cases.service:/etc/systemd/system/cases.service",
            "systemd.unit=cases.target",
        ],
        600,
    )  # fmt: skip
    try:
        with open(f"{results}/log", encoding="utf-8") as file:
            log = file.read()
    except FileNotFoundError:
        raise AssertionError(f"the container has not run its cases:\n{out}")
    print(log, flush=True)
    assert "booted: done" in log, "the cases in the container have not ended"
    assert "CASE FAIL" not in log, "cases in the container failed"


def follow(packages):
    """The commands of doc/start.md and README.md on two booted hosts."""
    need("systemd-nspawn", "dropbear", "scp", "ssh-keygen")
    if not os.path.exists("/usr/lib/sftp-server"):
        raise Skip("not installed: openssh-sftp-server")
    words = ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    out = run([*words, sys.executable, f"{HERE}/two_hosts.py", packages], 600)
    assert "two hosts: done" in out, out


def main():
    suite = Suite("package")  # --only selects cases of booted.py
    packages = cleanup.enter_context(tempfile.TemporaryDirectory())
    if suite.setup("the package builds", build, packages):
        suite.setup("lintian has no finding", lint, packages)
        suite.run("two booted hosts follow doc/start.md and README.md", follow, packages)
        suite.setup("a booted systemd runs it", boot, packages, f"--only '{suite.options.only}'")
    suite.finish()


if __name__ == "__main__":
    main()
