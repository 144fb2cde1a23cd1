"""Finds a good Python, gets uv, installs the lock, and goes on inside that environment.

This file runs before any package is there, on whatever Python started `manage.py`, so it uses
the standard library of Python 3.11 only. It does nothing when the environment is up to date.

`BREAKWATER_VENV` moves the environment; `BREAKWATER_VENV=off` uses the running Python as it is
(for images that install requirements.txt themselves).
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
SUPPORTED = ("3.13", "3.12", "3.14")
POSIX = os.name == "posix"


def enter_environment() -> None:
    """Returns inside the environment; execs into it first when started from outside."""
    setting = os.environ.get("BREAKWATER_VENV", "")
    if setting == "off":
        return
    venv = Path(setting).resolve() if setting else ROOT / ".venv"
    python = venv / ("bin/python" if POSIX else "Scripts/python.exe")
    if not _is_current(venv, python):
        with _one_at_a_time(venv):
            if not _is_current(venv, python):
                _install(venv, python)
    if Path(sys.prefix).resolve() != venv.resolve():
        arguments = [str(python), *sys.argv]
        if POSIX:
            os.execv(python, arguments)
        raise SystemExit(subprocess.call(arguments))


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _is_current(venv: Path, python: Path) -> bool:
    stamp = venv / "installed-lock"
    return python.exists() and stamp.exists() and stamp.read_text() == _fingerprint()


@contextlib.contextmanager
def _one_at_a_time(venv: Path) -> Iterator[None]:
    """Two commands started together must not install into one folder."""
    if not POSIX:
        yield
        return
    import fcntl

    try:
        handle = open(venv.with_name(venv.name + ".lock"), "w")
    except OSError as error:
        raise SystemExit(f"Cannot write beside {venv}: {error.strerror}.") from None
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(venv: Path, python: Path) -> None:
    interpreter = _find_python()
    uv = _find_uv(interpreter)
    _say(f"Setting up the environment in {venv} (once; later starts skip this)")
    if not _output([str(python), "--version"]):
        _run([uv, "venv", "--quiet", "--clear", "--python", interpreter, str(venv)])
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK)])
    (venv / "installed-lock").write_text(_fingerprint())


def _find_python() -> str:
    """The absolute path of a Python that runs and is one of SUPPORTED.

    Each candidate is run, because version-manager shims answer to a name and then fail.
    """
    for candidate in _candidates():
        probe = "import sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"
        answer = _output([candidate, "-c", probe])
        version, _, executable = answer.partition(" ")
        if version in SUPPORTED and executable:
            return executable
    # No supported Python here, but uv can bring one where it may download.
    return SUPPORTED[0]


def _candidates() -> Iterator[str]:
    """The one that runs us first; folders are searched only while none would do."""
    yield sys.executable
    home = Path(os.path.expanduser("~"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    for version in SUPPORTED:
        if found := shutil.which(f"python{version}"):
            yield found
        for folder in (pyenv / "versions", home / ".local/share/uv/python"):
            yield from (str(path) for path in sorted(folder.glob(f"*{version}*/bin/python3"), reverse=True))


def _find_uv(interpreter: str) -> str:
    """uv from PATH where it works; else from a small environment of its own beside ours."""
    found = shutil.which("uv")
    if found and _output([found, "--version"]):
        return found
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = Path(cache) / "breakwater" / "uv"
    uv = home / ("bin/uv" if POSIX else "Scripts/uv.exe")
    if not _output([str(uv), "--version"]):
        _say("Getting uv, the package installer")
        # Not into the system's Python: many refuse that (PEP 668).
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        _run([str(uv.with_name("python")), "-m", "pip", "install", "--quiet", "uv>=0.9"])
    return str(uv)


def _output(command: list[str]) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        if done.returncode == 0:
            return done.stdout.strip()
    return ""


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError):
        wanted = ", ".join(sorted(SUPPORTED))
        raise SystemExit(
            f"Could not set up the environment: `{' '.join(command)}` failed.\n"
            f"Breakwater needs Python {wanted}; if none is installed, install one and try again."
        ) from None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
