#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a build contains: by default the program alone, and tests, fuzz targets and measurements by options."""

import functools
import glob
import json
import os
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib.runner import Skip, Suite, cleanup

TOP = os.path.realpath(os.path.join(HERE, "..", ".."))


def run(*command):
    """Run a command in the project's top folder. Return: its output."""
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


class Build:
    """A build folder that is configured with some options, and not built."""

    def __init__(self, *options):
        folder = cleanup.enter_context(tempfile.TemporaryDirectory())
        run("meson", "setup", folder, TOP, *options)
        self.folder = folder
        introspected = json.loads(run("meson", "introspect", folder, "--targets", "--tests", "--buildoptions"))
        self.targets = {target["name"]: target for target in introspected["targets"]}
        self.tests = [test["name"] for test in introspected["tests"]]
        self.options = {option["name"]: option["value"] for option in introspected["buildoptions"]}

    def executables(self):
        """Names of the programs that `ninja` builds without arguments."""
        return sorted(
            name
            for name, target in self.targets.items()
            if target["type"] == "executable" and target["build_by_default"]
        )


@functools.cache
def without_options():
    return Build()


def default_build():
    build = without_options()
    # Programs beside it are built where their libraries are installed.
    assert "wirespan" in build.executables(), build.executables()
    assert all(name.split("-")[0] == "wirespan" for name in build.executables()), build.executables()
    assert build.tests == [], build.tests
    assert not [name for name in build.targets if "test" in name and build.targets[name]["build_by_default"]]
    assert build.options["werror"] is False


def each_option():
    build = Build("-Dfuzz=true")
    assert build.tests and all(name.startswith("fuzz_") for name in build.tests), build.tests
    build = Build("-Dbench=true")
    assert "aead" in build.targets and not build.tests
    build = Build("-Dtests=true")
    assert "layers" in build.tests and "drop" in build.tests and "fuzz_conf" not in build.tests


def archive():
    """The archive of `meson dist` has the sources and documents, and no corpora of the fuzz targets."""
    if not os.path.exists(os.path.join(TOP, ".git")):
        raise Skip("this is no git repository")
    folder = without_options().folder
    run("meson", "dist", "-C", folder, "--no-tests", "--allow-dirty", "--formats", "gztar")
    (file,) = glob.glob(f"{folder}/meson-dist/*.tar.gz")
    with tarfile.open(file) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert "meson.build" in names and "fuzz/conf.c" in names and "doc/wirespan.8.scd" in names
    assert not [name for name in names if name.startswith("fuzz/corpus/")]


APT_GET = """#!/bin/sh
for last; do :; done
case $last in
update) exit 0 ;;
openssl=3.2)
    mkdir openssl-3.2 && touch openssl_3.2.dsc
    echo "E: Failed to fetch http://mirror/openssl_3.2.tar.gz  $REASON"
    exit 100 ;;
*) mkdir "${last%=*}-${last#*=}" ;;
esac
"""


def static_sources():
    """The static program is built of an older libcrypto only if the mirror has no newer one, and with a warning."""
    if not os.path.exists("/usr/include/libmnl/libmnl.h"):
        raise Skip("dist/build-static needs libmnl's header")
    programs = cleanup.enter_context(tempfile.TemporaryDirectory())
    fakes = dict.fromkeys(("musl-gcc", "cmake", "make", "perl", "dpkg-source", "meson", "pkg-config"), "#!/bin/sh\nexit 1\n")
    fakes |= {"apt-get": APT_GET, "apt-cache": "#!/bin/sh\nprintf 'Version: 3.1\\nVersion: 3.2\\n'\n"}
    for name, text in fakes.items():
        with open(os.open(f"{programs}/{name}", os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
            file.write(text)
    for reason, older in (("404  Not Found [IP: 192.0.2.1 80]", True), ("Hash Sum mismatch", False)):
        out = cleanup.enter_context(tempfile.TemporaryDirectory())
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "REASON": reason}
        done = subprocess.run(
            ("dist/build-static", out), cwd=TOP, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1, "there is nothing to build"
        assert os.path.exists(f"{out}/sources/openssl-3.1") == older, done.stderr
        if older:
            assert "has no openssl 3.2: using the older 3.1" in done.stderr, done.stderr
            assert sorted(os.listdir(f"{out}/sources")) == ["json-c-3.2", "openssl-3.1"], os.listdir(f"{out}/sources")
        else:
            assert "cannot get the source of openssl 3.2" in done.stderr and reason in done.stderr, done.stderr


def main():
    suite = Suite("build")
    suite.run("a build without options has the program alone, and warnings are no errors", default_build)
    suite.run("options add fuzz targets, measurements and tests", each_option)
    suite.run("meson dist leaves out the corpora", archive)
    suite.run("sources of the static program", static_sources)
    suite.finish()


if __name__ == "__main__":
    main()
