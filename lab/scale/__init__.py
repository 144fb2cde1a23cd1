"""From one process to a million sockets and a thousand orders a second, by a model: `python -m lab.scale`.

It is fitted to what the lab measured on one machine, and says what more would take; docs/scale.md has what comes out.
"""
