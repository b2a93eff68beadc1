"""Installs a browser for the page tests where that can be done: as root, on Debian or the like. Never fails the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    if any(map(shutil.which, NAMES)):
        return
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        print("No Chromium here: the page tests will be skipped (apt-get install chromium).", file=sys.stderr)
        return
    print("Installing Chromium for the page tests …", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=600
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"{command[0]}: {error}; the page tests will be skipped.", file=sys.stderr)
            return
        if done.returncode:
            print(f"{' '.join(command)} failed; the page tests will be skipped.", file=sys.stderr)
            return


if __name__ == "__main__":
    main()
