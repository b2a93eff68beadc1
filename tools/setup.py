"""Set up Quanxi for this checkout: an environment in `.venv` with the pinned packages, and Neo4j's parts.

Run by `make`, with whatever `python3` the machine has; needs the standard library alone. What is done already
is not done again: a stamp in `.venv` says which requirements it holds.

    python3 tools/setup.py          what is needed to run
    python3 tools/setup.py --dev    and to test
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
LEAST = (3, 11)
COMMAND = """#!{python}
# Written by tools/setup.py.
import runpy
import sys

sys.path.insert(0, {root!r})
runpy.run_module("cli", run_name="__main__", alter_sys=False)
"""


def main(arguments):
    """Set up; returns the exit code. Says on stderr what is wrong and what to do about it."""
    if sys.version_info < LEAST:
        return _fail(
            "Python 3.11 or later is needed, not %d.%d (%s)." % (sys.version_info[:2] + (sys.executable,)),
            "Install one and name it: make PYTHON=python3.12 …",
        )
    wanted = "dev" if "--dev" in arguments else "runtime"
    if not _environment_works() and not _make_environment():
        return 1
    if not _holds(wanted) and not _install(wanted):
        return 1
    _write_command()
    code = subprocess.call([VENV_PYTHON, "-m", "graph.engine_jars", "fetch"], cwd=ROOT)
    return code or subprocess.call([VENV_PYTHON, "-m", "graph.class_data"], cwd=ROOT)


def _environment_works():
    test = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return os.path.exists(VENV_PYTHON) and _quiet([VENV_PYTHON, "-c", test]) == 0


def _make_environment():
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        _fail(
            "This Python (%s) cannot make environments: its venv or ensurepip module is missing."
            % sys.executable,
            "Debian and Ubuntu have it in a package of its own: apt install python%d.%d-venv (as root), "
            "or name another Python: make PYTHON=/path/to/python3 …" % sys.version_info[:2],
        )
        return False
    _say("Making an environment in .venv (Python %d.%d.%d) …" % sys.version_info[:3])
    try:
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True, symlinks=os.name != "nt")
    except (OSError, subprocess.CalledProcessError) as error:
        _fail(
            "The environment could not be made: %s." % error, "Check the disk's space and the folder's owner."
        )
        return False
    return True


def _install(wanted):
    requirements = os.path.join("requirements", wanted + ".txt")
    _say("Installing the packages of %s (checked against their SHA-256 sums) …" % requirements)
    command = [VENV_PYTHON, "-m", "pip", "install", "--require-hashes", "--prefer-binary", "--no-input"]
    command += ["--disable-pip-version-check", "-r", requirements]
    if subprocess.call(command, cwd=ROOT) != 0:
        _fail(
            "The packages could not be installed (pip says why above).",
            "Check the network (HTTPS_PROXY and pip's own index settings are honoured), then run the same "
            "command again: what was downloaded is kept.",
        )
        return False
    with open(_stamp(wanted), "w") as stream:
        stream.write(_digest(wanted))
    return True


def _holds(wanted):
    # The requirements to test are those to run and more.
    return any(_read(_stamp(name)) == _digest(name) for name in {wanted, "dev"})


def _stamp(name):
    return os.path.join(VENV, ".quanxi-" + name)


def _digest(name):
    with open(os.path.join(ROOT, "requirements", name + ".txt"), "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def _write_command():
    path, text = os.path.join(VENV, "bin", "quanxi"), COMMAND.format(python=VENV_PYTHON, root=ROOT)
    if _read(path) != text:
        with open(path, "w") as stream:
            stream.write(text)
        os.chmod(path, 0o755)


def _read(path):
    try:
        with open(path) as stream:
            return stream.read()
    except OSError:
        return None


def _quiet(command):
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return 1


def _say(text):
    print(text, flush=True)


def _fail(what, hint):
    print("error: %s\n       %s" % (what, hint), file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
