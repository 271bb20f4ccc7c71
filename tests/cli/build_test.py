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


def main():
    suite = Suite("build")
    suite.run("a build without options has the program alone, and warnings are no errors", default_build)
    suite.run("options add fuzz targets, measurements and tests", each_option)
    suite.run("meson dist leaves out the corpora", archive)
    suite.finish()


if __name__ == "__main__":
    main()
