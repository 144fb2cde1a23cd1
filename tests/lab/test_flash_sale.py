"""The flash sale in its small form: as many are sold as there are, to whoever clicks how, and nobody sees a fault."""

import json
import os
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.timeout(300)
def test_a_rush_sells_each_print_once_and_charges_nobody_else() -> None:
    command = [sys.executable, "-m", "lab.flash_sale", "--small", "--database", "postgres"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "BREAKWATER"))
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=290)
    assert done.returncode in (0, 1), done.stderr[-4000:]
    told = json.loads(done.stdout)
    assert not told["broken"], done.stderr[-4000:]
    seed = told["cases"]["seed 1"]
    assert seed["paid"] == seed["units"] == 7
    assert seed["buyers"] == 40
    # The control: the same buyers, of whom too many are served where stock is looked at first and written after.
    control = told["cases"]["without a guard"]
    assert control["control"]
    assert control["oversold"] > 0
