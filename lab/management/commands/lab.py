import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from lab import bench, loads, measured, report, runner
from lab.machine import CannotMeasure
from lab.rungs import RUNGS


class Command(BaseCommand):
    help = "Measures how far this shop goes on Django, beside Tornado, and redraws docs/how-far.md."
    requires_system_checks = []  # it serves nothing itself

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quick", action="store_true", help="few points, one round: minutes")
        parser.add_argument(
            "--only", nargs="+", default=loads.names(), metavar="NAME", help=f"of {', '.join(loads.names())}"
        )
        parser.add_argument("--rungs", nargs="+", default=(), metavar="NAME", help="these only")
        parser.add_argument("--points", nargs="+", type=int, default=(), metavar="N", help="these instead")
        parser.add_argument(
            "--ceiling",
            action="store_const",
            dest="only",
            const=["ceiling"],
            help="only what the load itself can do",
        )
        parser.add_argument("--plan", action="store_true", help="say what would be measured, and how long")
        parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
        parser.add_argument("--into", type=Path, help="the folder for what is measured (default: a new one)")

    def handle(self, *, quick: bool, only: list[str], plan: bool, **options: Any) -> None:
        if unknown := (set(only) - set(loads.names())) | (set(options["rungs"]) - set(RUNGS)):
            raise CommandError(
                f"Neither load nor rung: {', '.join(sorted(unknown))}. There are {', '.join(loads.names())}; "
                f"and {', '.join(RUNGS)}."
            )
        planned = runner.Plan(only, quick, options["rungs"], options["points"])
        self._tell(planned)
        if plan:
            return
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way out
        folder = options["into"] or bench.results(quick)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            rows = runner.run(planned, folder, self.stdout.write, options["database"])
        except CannotMeasure as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(f"{len(rows)} rows are in {folder}.")
        # What a few points and one round show is worth a look, and no place in the docs.
        apart = quick or options["into"]
        page = folder / "report.md" if apart else report.PAGE
        report.write(page, measured.newest([folder] if apart else measured.full_runs()))
        self.stdout.write(f"The report is {page}.")

    def _tell(self, plan: runner.Plan) -> None:
        for name in plan.names:
            rungs = plan.rungs_of(name)
            points = sorted({point for rung in rungs for point in plan.points_of(name, rung)})
            what = f"{loads.find(name).UNIT} {', '.join(map(str, points))}"
            self.stdout.write(f"{name}: {what}; on {', '.join(rungs) or 'nothing'}")
        took = measured.lasted(measured.newest(measured.full_runs()))
        self.stdout.write(
            f"About {plan.budget(took) / 60:.0f} minutes, as long as each took when it was last measured."
        )
