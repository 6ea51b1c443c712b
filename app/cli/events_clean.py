"""``prodigy events clean``: old events go, into an archive if wanted; those of live runs stay."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from app.cli.arguments import COUNT, byte_size, span
from app.cli.command import command, flag, option
from app.cli.event_reading import directories
from app.cli.failure import EXIT_FAILED, failure_of, not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.cli.prompts import confirmed
from app.format import count
from orchestrator.event_cleaning import Limits, Thinned, carry_out, is_live, plan
from store.times import utc_now

_OTHERWISE = "prodigy events clean … --force does it"


@command(
    "clean",
    help="""Remove old events of runs at rest: by age, by number, or by size of each timeline.

    At least one of --older-than, --max-events and --max-size says what goes.""",
    examples=(
        "prodigy events clean --older-than 30d --dry-run",
        "prodigy events clean --max-events 1000 --archive --force",
    ),
)
@option("--older-than", type=span("d"), metavar="D", help="Events older than this.")
@option("--max-events", type=COUNT, metavar="N", help="All but the newest N of each run.")
@option("--max-size", type=byte_size, metavar="SIZE", help="All but the newest SIZE of each run.")
@flag("--archive", help="Keep what goes in a gzip file.")
@option("--archive-path", metavar="D", help="Directory of the archive.")
@option("--job-id", metavar="ID", help="Only of this run.")
@flag("--all-jobs", help="Of every run (as without --job-id).")
@option("--file", metavar="F", help="Only of the run this event file belongs to.")
@flag("--dry-run", help="Only say how many would go.")
@flag("-f", "--force", help="Do not ask.")
def events_clean(
    invocation: Invocation,
    *,
    older_than: float | None,
    max_events: int | None,
    max_size: int | None,
    archive: bool,
    archive_path: str | None,
    job_id: str | None,
    all_jobs: bool,
    file: str | None,
    dry_run: bool,
    force: bool,
) -> int | None:
    if older_than is None and max_events is None and max_size is None:
        raise usage_error("give at least one of --older-than, --max-events and --max-size")
    if sum((job_id is not None, all_jobs, file is not None)) > 1:
        raise usage_error("--job-id, --all-jobs and --file contradict each other")
    since = utc_now() - timedelta(seconds=older_than) if older_than is not None else None
    limits = Limits(since, max_events, max_size)
    meant = _directories(invocation, job_id, file)
    live = [directory.name for directory in meant if is_live(invocation.home, directory.name)]
    plans = [plan(directory, limits) for directory in meant if directory.name not in live]
    plans = [thinned for thinned in plans if thinned.dropped]
    total = sum(len(thinned.dropped) for thinned in plans)
    out = invocation.out
    if live:
        out.notice(f"events of {count(len(live), 'live run')} stay")
    place = _archive(invocation, archive or archive_path is not None, archive_path)
    failed = False
    if not dry_run and total:
        if not confirmed(invocation, f"Remove {count(total, 'event')}", force=force,
                         otherwise=_OTHERWISE):  # fmt: skip
            plans, total = [], 0
        failed = _carry_out(invocation, plans, place)
    if out.settings.json:
        out.json({
            "dry_run": dry_run,
            "events": total,
            "runs": [thinned.run_id for thinned in plans],
            "archive": str(place) if place is not None and total and not dry_run else None,
        })  # fmt: skip
    elif dry_run:
        out.line(f"DRY RUN: Would clean {count(total, 'event')}")
    else:
        where = f" into {tilde(place)}" if place is not None and total else ""
        out.line(f"Cleaned {count(total, 'event')}{where}")
    return EXIT_FAILED if failed else None


def _directories(invocation: Invocation, job_id: str | None, file: str | None) -> list[Path]:
    if file is None:
        return directories(invocation, job_id)
    path = Path(os.path.abspath(Path(file).expanduser()))
    if not path.is_file():
        raise not_found(f"no event file at {file}")
    if path.parent not in directories(invocation, None):
        raise usage_error(f"{file} is no event file of this home")
    return [path.parent]


def _archive(invocation: Invocation, wanted: bool, directory: str | None) -> Path | None:
    if not wanted:
        return None
    name = f"events-{utc_now():%Y%m%d_%H%M%S}.jsonl.gz"
    if directory is not None:
        return Path(os.path.abspath(Path(directory).expanduser())) / name
    return invocation.home.root / "events" / "archive" / name


def _carry_out(invocation: Invocation, plans: list[Thinned], place: Path | None) -> bool:
    """Thin out each timeline; whether one failed."""
    failed = False
    for thinned in plans:
        try:
            carry_out(invocation.home, thinned, place)
        except Exception as error:  # each run is told on its own
            failure = failure_of(error)
            if failure is None:
                raise
            invocation.out.error(failure)
            failed = True
    return failed
