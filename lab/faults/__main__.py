"""All the runs one after another on one site, or those named: `python -m lab.faults [RUN ...] [--small]`."""

from lab.faults.harness import main

if __name__ == "__main__":
    main()
