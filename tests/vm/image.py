# SPDX-License-Identifier: MIT
"""Builds the test guest: Debian's unmodified cloud kernel, and an initramfs of programs of this host.

Nothing is installed: the kernel's package is downloaded with apt and unpacked into the cache folder, for later
runs.  The initramfs is uncompressed, as unpacking it costs an emulated CPU more than reading it.
"""

import fcntl
import os
import platform
import re
import shutil
import stat
import subprocess

from lib.runner import Skip

META_PACKAGE = "linux-image-cloud-amd64"
MODULES = (
    "virtio_pci virtio_net virtio_console wireguard l2tp_eth l2tp_netlink l2tp_ip l2tp_ip6 "
    "bridge veth vxlan 8021q dummy sch_netem tun bonding team vrf"
).split()
PROGRAMS = "sh ip wg ping tc bridge iperf3 ethtool tcpdump".split()
WIRESPAN_MODULES = "nf_tables nft_meta_bridge nft_ct nft_fib_ipv4 nft_fib_ipv6 nft_dup_netdev".split()
WIRESPAN_PROGRAMS = ("nft",)
NEEDED_HERE = "qemu-system-x86_64 apt-get dpkg-deb ldd busybox".split() + PROGRAMS
_INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "init.sh")


def _which(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def need_tools(programs=()):
    """Skip unless this host can build and run the guest, with `programs` in it."""
    architecture = platform.machine()
    if architecture != "x86_64":
        raise Skip(f"the guest is x86_64, this host is {architecture}")
    missing = [program for program in (*NEEDED_HERE, *programs) if not _which(program)]
    if missing:
        raise Skip(f"missing programs: {' '.join(missing)} (dist/packages.txt lists their packages)")


def cache_folder():
    """Return: the folder that caches kernel and initramfs between runs."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    folder = os.environ.get("WIRESPAN_CACHE") or os.path.join(os.path.realpath(top), ".cache")
    os.makedirs(folder, exist_ok=True)
    return folder


def _kernel_package():
    """Return: the package on which the meta package currently depends."""
    result = subprocess.run(["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True)
    found = re.search(r"Depends: (linux-image-\S+)", result.stdout)
    return found.group(1) if found else None


def fetch_kernel(folder):
    """Return: the folder with the unpacked kernel package; the newest cached one if apt lists none.

    A concurrent run waits for the first one's download.
    """
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _fetch_kernel_locked(folder)


def _fetch_kernel_locked(folder):
    package = _kernel_package()
    images = sorted(name for name in os.listdir(folder) if name.startswith("linux-image-"))
    if package is None:
        if images:
            return os.path.join(folder, images[-1])
        raise Skip(f"apt knows no {META_PACKAGE}: run apt-get update")
    target = os.path.join(folder, package)
    if os.path.isdir(target):
        return target
    work = os.path.join(folder, f"fetch.{os.getpid()}")
    os.makedirs(work)
    try:
        got = subprocess.run(["apt-get", "-q", "download", package], cwd=work, capture_output=True, text=True)
        archives = [name for name in os.listdir(work) if name.endswith(".deb")]
        if got.returncode != 0 or not archives:
            raise Skip(f"cannot download {package}: {got.stderr.strip()}")
        unpacked = os.path.join(work, "unpacked")
        subprocess.run(["dpkg-deb", "-x", os.path.join(work, archives[0]), unpacked], check=True)
        os.rename(unpacked, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _modinfo(data, key):
    """Return: the values of `key` in a module's .modinfo section."""
    return [m.decode() for m in re.findall(rb"\0" + key + rb"=([^\0]*)\0", b"\0" + data)]


def module_closure(kernel, modules):
    """Return: paths of the modules and all their dependencies, in load order."""
    paths = {}
    for folder, _, names in os.walk(os.path.join(kernel, "lib", "modules")):
        for name in names:
            if name.endswith(".ko"):
                paths[name[:-3].replace("-", "_")] = os.path.join(folder, name)
    order = []

    def add(module):
        path = paths.get(module.replace("-", "_"))
        if path is None or path in order:  # not there: built into the kernel
            return
        with open(path, "rb") as file:
            data = file.read()
        for listed in _modinfo(data, b"depends"):
            for other in filter(None, listed.split(",")):
                add(other)
        for soft in _modinfo(data, b"softdep"):
            if soft.startswith("pre: "):
                for other in soft[5:].split():
                    add(other)
        order.append(path)

    for module in modules:
        add(module)
    return order


def _libraries(program):
    """Return: the shared objects that `program` needs, including the loader."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return set(re.findall(r"(/\S+)", listing))


class _Archive:
    """A cpio archive in the kernel's "newc" format."""

    def __init__(self):
        self._parts = []
        self._known = set()
        self._inode = 0

    def _add(self, name, mode, data=b""):
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        self._parts.append(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def folder(self, name):
        if name and name not in self._known:
            self.folder(os.path.dirname(name))
            self._known.add(name)
            self._add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        name = name.lstrip("/")
        if name not in self._known:
            self.folder(os.path.dirname(name))
            self._known.add(name)
            self._add(name, stat.S_IFREG | mode, data)

    def copy(self, source, name=None):
        with open(source, "rb") as file:
            self.file(name or source, file.read())

    def bytes(self):
        self._add("TRAILER!!!", 0)
        return b"".join(self._parts)


def build_initramfs(kernel, wirespan=None, files=(), programs=()):
    """Return: the path of the initramfs for the unpacked `kernel`, built each time (it is quick).

    wirespan: the path of its program, which the guest gets with all that it uses; files: paths of more programs
    and libraries, for /lib; programs: further ones of this host.
    """
    archive = _Archive()
    for name in ("dev", "proc", "sys"):
        archive.folder(name)
    archive.copy(_INIT, "init")
    archive.copy(os.path.realpath(_which("busybox")), "bin/busybox")
    libraries = set()
    for program in (*PROGRAMS, *programs, *((*WIRESPAN_PROGRAMS, wirespan) if wirespan else ())):
        path = os.path.realpath(_which(program))
        archive.copy(path, "usr/local/bin/" + os.path.basename(program))
        libraries |= _libraries(path)
    for path in files:
        archive.copy(path, "lib/" + os.path.basename(path))
        libraries |= _libraries(path)
    for library in sorted(libraries):
        archive.copy(os.path.realpath(library), library)
    modules = module_closure(kernel, (*MODULES, *(WIRESPAN_MODULES if wirespan else ())))
    for path in modules:
        archive.copy(path, "modules/" + os.path.basename(path))
    archive.file("modules/order", "".join(os.path.basename(path) + "\n" for path in modules).encode())
    name = "-".join(["initramfs", *(["wirespan"] if wirespan else []), *programs])
    target = os.path.join(cache_folder(), f"{name}.cpio")
    temporary = f"{target}.{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(archive.bytes())
    os.rename(temporary, target)
    return target


def prepare(wirespan=None, files=(), programs=()):
    """Return: (kernel image, initramfs) ready to boot, see build_initramfs(); Skip if they are unavailable."""
    need_tools((*programs, *(WIRESPAN_PROGRAMS if wirespan else ())))
    kernel = fetch_kernel(cache_folder())
    boot = os.path.join(kernel, "boot")
    image = next(os.path.join(boot, name) for name in sorted(os.listdir(boot)) if name.startswith("vmlinuz-"))
    return image, build_initramfs(kernel, wirespan, files, programs)
