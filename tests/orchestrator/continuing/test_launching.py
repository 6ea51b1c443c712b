"""A run launched as its own process outlives its launcher; one that cannot start leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.launch import LaunchFailed, launch_resume, launch_run, own_command
from store.home import new_session_id
from tests.orchestrator.continuing.stage import Stage
from tests.program import ROOT, wait_until
from tests.world import marked


def other_pythons() -> list[Path]:
    """The newer interpreters on PATH that really start."""
    found = []
    for version in ("3.12", "3.13"):
        program = shutil.which(f"python{version}")
        asking = ["-c", "import sys; print(sys.executable)"]
        if program is not None:
            answer = subprocess.run([program, *asking], capture_output=True, text=True, check=False)
            found += [Path(answer.stdout.strip())] if answer.returncode == 0 else []
    return found


OTHER_PYTHONS = other_pythons()


def completes(stage: Stage, run_id: str) -> None:
    wait_until(
        lambda: stage.world.record(run_id)["status"] == "Completed", "the run completes", seconds=30
    )


def test_a_launched_run_outlives_its_launcher(stage: Stage) -> None:
    path = stage.workflow([stage.waiting(), {"shell": stage.note("end")}])
    run_id = new_session_id()
    home, repository = str(stage.world.home.root), str(stage.world.repository)
    launching = (
        "import sys; from pathlib import Path; from store.home import Home; "
        "from orchestrator.launch import launch_run; "
        f"words, home = ['run', {str(path)!r}, '--no-merge'], Home(Path({home!r})); "
        f"run = launch_run(words, home, Path({repository!r}), {run_id!r}); "
        "run.wait_for_record(30); print(run.pid, flush=True); sys.stdin.read()"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", launching],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    wait_until(stage.mark("waiting").exists, "the run is under way")
    os.killpg(launcher.pid, signal.SIGHUP)
    os.killpg(launcher.pid, signal.SIGKILL)
    launcher.communicate()
    assert os.getpgid(pid) == pid, "it is in a process group of its own"
    stage.open_gate()
    completes(stage, run_id)
    assert stage.noted == ["waiting", "end"]
    assert stage.world.home.run_log(run_id).read_text(), "its output is kept"


def test_a_launch_that_fails_passes_on_why_and_leaves_nothing(stage: Stage) -> None:
    path = stage.workflow("- shel: echo typo\n")
    run_id = new_session_id()
    launched = launch_run(["run", str(path)], stage.world.home, stage.world.repository, run_id)
    with pytest.raises(LaunchFailed) as failed:
        launched.wait_for_record(30)
    assert failed.value.exit_code == 2
    assert "shel" in failed.value.output
    assert not stage.world.home.run_directory(run_id).exists()
    assert not stage.world.records
    assert len(stage.git("branch").splitlines()) == 1


def test_a_run_that_fails_at_once_was_launched_all_the_same(stage: Stage) -> None:
    path = stage.workflow([{"shell": "exit 3"}])
    run_id = new_session_id()
    launched = launch_run(["run", str(path)], stage.world.home, stage.world.repository, run_id)
    assert launched.wait(30) == 1
    launched.wait_for_record(1)
    assert stage.record["status"] == "Failed"


def test_a_launched_resume_goes_on_by_itself(stage: Stage) -> None:
    stage.run([stage.failing(), {"shell": stage.note("end")}])
    stage.repair()
    launched = launch_resume(stage.world.home, stage.id, ["--no-merge"])
    launched.wait_for_record(30)
    assert launched.wait(30) == 0
    launched.wait_for_record(1)
    assert stage.noted == ["bad", "bad", "end"]
    wait_until(lambda: not marked(stage.id), "nothing is left running")
    stage.assert_complete()


def test_a_resume_that_is_refused_was_not_launched(stage: Stage) -> None:
    stage.run([{"shell": "true"}])
    launched = launch_resume(stage.world.home, stage.id)
    with pytest.raises(LaunchFailed) as failed:
        launched.wait_for_record(30)
    assert failed.value.exit_code == 1
    assert "already complete" in failed.value.output
    assert stage.record["status"] == "Completed"


def test_it_is_launched_with_the_python_and_the_files_it_runs_from() -> None:
    python, entry = own_command()
    assert python == sys.executable
    assert Path(entry).is_file()


@pytest.mark.parametrize("python", OTHER_PYTHONS, ids=lambda path: path.parts[-3])
def test_a_run_is_launched_stopped_and_resumed_by_other_pythons(stage: Stage, python: Path) -> None:
    site = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    needed = "import click, psutil, yaml"
    if subprocess.run([python, "-c", needed], env=environment, capture_output=True).returncode:
        pytest.skip(f"{python} has not what prodigy needs")

    def prodigy(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, str(ROOT / "prodigy_entry.py"), *words],
            cwd=stage.world.repository,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    path = stage.workflow([stage.failing(), {"shell": stage.note("end")}])
    launched = prodigy("run", str(path), "--detach")
    assert launched.returncode == 0, launched.stderr
    run_id = launched.stdout.split()[0]
    wait_until(lambda: stage.world.record(run_id)["status"] == "Failed", "it fails")
    wait_until(lambda: not stage.world.home.owner_file(run_id).exists(), "its owner is gone")
    stage.repair()
    resumed = prodigy("resume", run_id, "--no-merge")
    assert resumed.returncode == 0, resumed.stderr
    assert stage.noted == ["bad", "bad", "end"]
