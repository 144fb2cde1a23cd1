"""`python3 manage.py` on a machine that has Python, pip and git, and nothing of ours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT


def manage(
    venv: Path, *, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [python, "manage.py", "version"],
        cwd=ROOT,
        env={**kept, "BREAKWATER_VENV": str(venv), **environment},
        capture_output=True,
        text=True,
        timeout=220,
    )


def base_python() -> str:
    """The Python this environment was made from, outside of it."""
    return str(Path(sys.base_prefix) / "bin" / "python3")


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made with nothing but pip: no uv on the PATH, none in the cache."""
    home = tmp_path_factory.mktemp("fresh")
    bare = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not shutil.which("uv", path=p))
    done = manage(home / "venv", python=base_python(), PATH=bare, XDG_CACHE_HOME=str(home / "cache"))
    assert done.returncode == 0, done.stderr
    assert "Getting uv" in done.stderr
    assert "Setting up the environment" in done.stderr
    return home / "venv"


def test_the_second_start_sets_up_nothing(venv: Path) -> None:
    done = manage(venv, python=base_python())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6.")
    assert done.stderr == ""


def test_a_changed_lock_is_installed(venv: Path) -> None:
    (venv / "installed-lock").write_text("another lock")
    assert "Setting up the environment" in manage(venv, python=base_python()).stderr


def test_a_python_that_is_too_old_to_run_the_shop_finds_a_good_one(venv: Path) -> None:
    old = next(filter(None, map(shutil.which, ["python3.11"])), None)
    if old is None or subprocess.run([old, "-V"], capture_output=True).returncode:
        pytest.skip("there is no Python 3.11 here to start with")
    assert manage(venv, python=old).stdout.startswith("6.")


def test_an_unwritable_place_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = manage(tmp_path / "file" / "venv", python=base_python())
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Cannot write" in done.stderr
