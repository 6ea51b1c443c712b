"""One owner a run: the kernel says who, and readers learn it without disturbing anybody."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from store.errors import Busy, InvalidId, StoreError
from store.home import Home
from store.locks import Liveness, RunLock, original_lock, probe, process_state
from store.owner import Owner, new_owner, read_owner, remove_owner, this_host, write_owner
from store.times import to_text, utc_now
from tests.store.building import eventually, finished, python

RUN = "session-a"

HOLD = """
import sys
from pathlib import Path
from store.home import Home
from store.locks import RunLock
from store.owner import new_owner, write_owner
home = Home(Path({root!r}))
lock = RunLock.acquire(home, "session-a")
write_owner(home, "session-a", new_owner("run", 1))
print("held", flush=True)
sys.stdin.read()
"""


def holder(home: Home) -> subprocess.Popen[str]:
    """Another process that holds the run until its input closes or it is killed."""
    process = python(HOLD.format(root=str(home.root)))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_held_run_is_busy_and_the_message_names_its_holder(home: Home) -> None:
    process = holder(home)
    try:
        with pytest.raises(Busy) as caught:
            RunLock.acquire(home, RUN, wait_seconds=0.05)
        assert f"session {RUN} is running here since " in str(caught.value)
        assert f"(process {process.pid})" in str(caught.value)
        assert probe(home, RUN, says_active=True).liveness is Liveness.LIVE
    finally:
        end(process)


def test_a_killed_owner_frees_its_run_at_once(home: Home) -> None:
    process = holder(home)
    end(process)
    verdict = probe(home, RUN, says_active=True)
    assert verdict.liveness is Liveness.DEAD
    assert verdict.owner is not None and verdict.owner.pid == process.pid
    RunLock.acquire(home, RUN, wait_seconds=0.0).release()


def test_a_stopped_owner_keeps_its_run_and_is_called_stopped(home: Home) -> None:
    process = holder(home)
    try:
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: process_state(process.pid) == "stopped", "the owner is stopped")
        assert probe(home, RUN, says_active=True).liveness is Liveness.LIVE
    finally:
        end(process)
    assert process_state(process.pid) is None


def test_children_do_not_inherit_the_lock(home: Home) -> None:
    lock = RunLock.acquire(home, RUN)
    child = subprocess.Popen(["sleep", "60"])
    try:
        lock.release()
        RunLock.acquire(home, RUN, wait_seconds=0.0).release()
    finally:
        child.kill()
        child.wait()


RACE = """
import sys
from pathlib import Path
from store.errors import Busy
from store.home import Home
from store.locks import RunLock
home = Home(Path({root!r}))
counter = Path({counter!r})
sys.stdin.readline()
for _ in range(60):
    with RunLock.acquire(home, "session-a", wait_seconds=20) as lock:
        number = int(counter.read_text())
        counter.write_text(str(number + 1))
        if {delete}:
            lock.delete()
"""


@pytest.mark.parametrize("delete", [False, True], ids=["kept", "deleted each time"])
def test_two_owners_never_exist_at_once(home: Home, tmp_path: Path, delete: bool) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    code = RACE.format(root=str(home.root), counter=str(counter), delete=delete)
    processes = [python(code) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        status, _, errors = finished(process)
        assert status == 0, errors
    assert counter.read_text() == "240"


def test_tight_probing_never_makes_a_starting_run_busy(home: Home) -> None:
    RunLock.acquire(home, RUN).release()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            probe(home, RUN, says_active=True)

    probers = [threading.Thread(target=look) for _ in range(8)]
    for prober in probers:
        prober.start()
    try:
        for _ in range(20):
            RunLock.acquire(home, RUN, wait_seconds=5.0).release()
    finally:
        stop.set()
        for prober in probers:
            prober.join()


def test_a_probe_changes_nothing(home: Home) -> None:
    assert probe(home, RUN, says_active=True).liveness is Liveness.DEAD
    assert not home.root.exists()


def test_the_lock_file_stays_and_is_empty(home: Home) -> None:
    with RunLock.acquire(home, RUN):
        pass
    assert home.run_lock(RUN).read_bytes() == b""
    assert home.run_lock(RUN).stat().st_mode & 0o777 == 0o600


def test_the_last_act_of_a_deleted_run_leaves_nothing(home: Home) -> None:
    RunLock.acquire(home, RUN).delete()
    assert not home.run_directory(RUN).exists()


def test_releasing_twice_gives_nobody_elses_lock_up(home: Home) -> None:
    first = RunLock.acquire(home, RUN)
    first.release()
    with RunLock.acquire(home, RUN):
        first.release()
        assert probe(home, RUN, says_active=False).liveness is Liveness.LIVE
        assert not first.held


def test_a_new_owner_clears_the_temporary_files_of_a_killed_one(home: Home) -> None:
    directories = [home.checkpoints_directory(RUN), home.history_directory(RUN), home.sessions]
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
    left = [
        home.checkpoints_directory(RUN) / ".workflow-1.checkpoint.json.tmp",
        home.history_directory(RUN) / ".000001.json.tmp",
        home.run_directory(RUN) / ".owner.json.tmp",
        home.sessions / f".{RUN}.json.tmp",
    ]
    others = home.sessions / ".session-b.json.tmp"
    for path in [*left, others]:
        path.write_bytes(b"half")
    with RunLock.acquire(home, RUN):
        assert not [path for path in left if path.exists()]
    assert others.exists(), "the file of another run was taken away"


def test_a_file_system_without_locks_is_refused_and_its_runs_are_unknown(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunLock.acquire(home, RUN).release()

    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match="has no locks"):
        RunLock.acquire(home, RUN)
    assert probe(home, RUN, says_active=True).liveness is Liveness.UNKNOWN


@pytest.mark.parametrize("run_id", ["", "../x", "-rf", "a\nb", "a\0b", "x" * 300])
def test_an_id_that_could_be_a_path_is_refused_before_any_file_is_touched(
    home: Home, run_id: str
) -> None:
    for act in (RunLock.acquire, probe):
        with pytest.raises(InvalidId):
            act(home, run_id, **({"says_active": True} if act is probe else {}))
    assert not home.root.exists()


def test_an_owner_on_another_host_cannot_be_judged(home: Home) -> None:
    RunLock.acquire(home, RUN).release()
    elsewhere = Owner(7, "another-host", "run", 1, "token", to_text(utc_now()), "1.0.0")
    write_owner(home, RUN, elsewhere)
    verdict = probe(home, RUN, says_active=True)
    assert verdict.liveness is Liveness.UNKNOWN
    assert verdict.reason is not None and "another-host" in verdict.reason


def test_an_owner_is_read_back_as_written_and_its_absence_does_no_harm(home: Home) -> None:
    assert read_owner(home, RUN) is None
    with RunLock.acquire(home, RUN):
        owner = new_owner("resume", 2)
        write_owner(home, RUN, owner)
        assert read_owner(home, RUN) == owner
        remove_owner(home, RUN)
        remove_owner(home, RUN)
    assert read_owner(home, RUN) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', "\0\0"])
def test_a_bad_owner_file_is_nobody(home: Home, text: str) -> None:
    with RunLock.acquire(home, RUN):
        home.owner_file(RUN).write_text(text)
        assert read_owner(home, RUN) is None
    assert probe(home, RUN, says_active=True).liveness is Liveness.DEAD


# -- runs of the original tool


def write_original_lock(home: Home, lock_id: str, **changes: object) -> None:
    document = {
        "job_id": lock_id,
        "process_id": os.getpid(),
        "hostname": this_host(),
        "acquired_at": to_text(utc_now()),
    }
    path = home.resume_lock(lock_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document | changes))


def test_a_resume_of_the_original_holds_its_run(home: Home) -> None:
    write_original_lock(home, RUN)
    assert probe(home, RUN, says_active=False).liveness is Liveness.LIVE
    with pytest.raises(Busy, match="held here by a resume of the original tool"):
        RunLock.acquire(home, RUN, wait_seconds=0.0)
    write_original_lock(home, RUN, process_id=dead_pid())
    RunLock.acquire(home, RUN, wait_seconds=0.0).release()
    assert home.resume_lock(RUN).exists(), "it is the original's, not ours to remove"


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_recycled_pid_holds_nothing(home: Home) -> None:
    process = psutil.Process()
    before = utc_now() - timedelta(seconds=time.time() - process.create_time() + 10)
    write_original_lock(home, RUN, acquired_at=to_text(before))
    lock = original_lock(home, RUN)
    assert lock is not None and not lock.held


@pytest.mark.parametrize(
    "changes",
    [
        {"hostname": "another-host"},
        {"process_id": "7"},
        {"process_id": 10**30},
        {"process_id": -1},
        {"acquired_at": "yesterday"},
        {"acquired_at": None},
        {"hostname": 7},
    ],
)
def test_a_lock_of_the_original_that_proves_nothing_holds_nothing(
    home: Home, changes: dict[str, object]
) -> None:
    write_original_lock(home, RUN, **changes)
    lock = original_lock(home, RUN)
    assert lock is None or not lock.held


def test_a_run_of_the_original_that_says_it_runs_is_unknown_until_the_machine_restarts(
    home: Home,
) -> None:
    record = home.session_file(RUN)
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    assert probe(home, RUN, says_active=True).liveness is Liveness.UNKNOWN
    assert probe(home, RUN, says_active=False).liveness is Liveness.DEAD
    with contextlib.suppress(PermissionError):
        os.utime(record, (1, 1))
    assert probe(home, RUN, says_active=True).liveness is Liveness.DEAD


def test_a_process_that_runs_is_running() -> None:
    assert process_state(os.getpid()) == "running"
