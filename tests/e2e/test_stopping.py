"""A run stops when it is told to, leaves nothing running, and goes on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Started, command, wait_until
from tests.world import World, marked

# The second step waits for the file `gate`, a quarter of a minute at most.
WAITS = """\
    name: waits
    commands:
      - shell: echo first >> "{notes}"
      - name: waiting
        shell: |
          echo second >> "{notes}"
          touch "{place}/waiting"
          i=0; while [ ! -e "{place}/gate" ] && [ $i -lt 300 ]; do sleep 0.05; i=$((i+1)); done
      - shell: echo third >> "{notes}"
    """
SLOWLY_ENDED = """\
    - shell: |
        {escape}
        touch "{place}/waiting"
        while :; do sleep 0.1; done
    """


@pytest.fixture
def place(world: World) -> Iterator[Path]:
    """Where steps leave marks for the tests; outside the repository."""
    yield world.repository.parent
    (world.repository.parent / "gate").touch()


def waiting_run(world: World, place: Path, *arguments: str) -> tuple[Started, str]:
    """A run in the middle of its second step, and its id."""
    text = WAITS.format(notes=place / "notes.txt", place=place)
    started = world.start(text, *arguments)
    world.wait_for_file(place / "waiting")
    return started, world.only_id


def open_gate(place: Path) -> None:
    (place / "gate").touch()


def noted(place: Path) -> list[str]:
    return (place / "notes.txt").read_text().split()


# -- requests of another process


def test_pause_takes_effect_at_the_end_of_the_step(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    world.prodigy("pause", run_id).expect(0)
    assert world.state(run_id) == "pausing"
    open_gate(place)
    started.finish().expect(130)
    record = world.record()
    assert record["status"] == "Paused"
    assert record["metadata"]["x_prodigy"]["stop"]["kind"] == "pause"
    assert world.checkpoint()["execution_state"]["status"] == "Paused"
    assert world.checkpoint()["execution_state"]["current_step_index"] == 2
    assert world.state(run_id) == "paused"
    world.assert_agrees()
    world.assert_nothing_is_held(run_id)
    world.prodigy("resume", run_id).expect(0)
    assert noted(place) == ["first", "second", "third"]


def test_pause_can_wait_until_it_happened(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    waiting = world.prodigy.start("pause", run_id, "--wait")
    wait_until(lambda: any(world.home.control_directory(run_id).glob("*")), "the request is made")
    open_gate(place)
    done = waiting.finish().expect(0)
    assert "paused" in done.stdout
    assert world.record()["status"] == "Paused"
    started.finish().expect(130)


def test_pause_now_ends_the_step_and_repeats_it_later(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    asked = time.monotonic()
    world.prodigy("pause", run_id, "--now").expect(0)
    started.finish().expect(130)
    assert time.monotonic() - asked < 5
    assert not marked(run_id)
    assert world.checkpoint()["execution_state"]["status"] == "Interrupted"
    assert world.checkpoint()["execution_state"]["current_step_index"] == 1
    assert world.checkpoint()["x_prodigy"]["in_flight"]["step_index"] == 1
    world.assert_agrees()
    world.assert_nothing_is_held(run_id)
    open_gate(place)
    world.prodigy("resume", run_id).expect(0)
    assert noted(place) == ["first", "second", "second", "third"]


@pytest.mark.parametrize(
    "escape",
    [
        "trap '' TERM",
        "timeout 600 sleep 600 &",
        "timeout 600 sh -c 'trap \"\" TERM; while :; do sleep 1; done' &",
        "bash -c 'set -m; sleep 600 & sleep 600' &",
        "setsid sleep 600 &",
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &",
        "(sleep 600 </dev/tty >/dev/tty 2>&1 || sleep 600) &",
    ],
)
def test_nothing_a_step_started_escapes(world: World, place: Path, escape: str) -> None:
    started = world.start(SLOWLY_ENDED.format(escape=escape, place=place))
    world.wait_for_file(place / "waiting")
    run_id = world.only_id
    world.prodigy("pause", run_id, "--now").expect(0)
    started.finish(timeout=20).expect(130)
    wait_until(lambda: not marked(run_id), "every process of the step is gone", seconds=8)


def test_cancel_is_final(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    world.prodigy("cancel", run_id, "-f").expect(0)
    started.finish().expect(1)
    record = world.record()
    assert record["status"] == "Cancelled"
    assert record["completed_at"] is not None
    assert record["metadata"]["x_prodigy"]["stop"]["kind"] == "cancel"
    assert world.metadata()["status"] == "abandoned"
    assert world.state(run_id) == "cancelled"
    world.assert_agrees()
    world.assert_nothing_is_held(run_id)
    world.prodigy("resume", run_id).expect(1)
    world.prodigy("resume", run_id, "--force").expect(1)


def test_a_run_at_rest_can_be_cancelled(world: World) -> None:
    world.run("- shell: exit 1").expect(1)
    world.prodigy("cancel", world.only_id, "-f").expect(0)
    assert world.record()["status"] == "Cancelled"
    assert world.metadata()["status"] == "abandoned"
    world.assert_nothing_is_held(world.only_id)


def test_a_cancel_during_a_pause_is_not_lost(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    world.prodigy("pause", run_id).expect(0)
    world.prodigy("cancel", run_id, "-f").expect(0)
    started.finish().expect(1)
    assert world.record()["status"] == "Cancelled"
    world.assert_nothing_is_held(run_id)


def test_pausing_what_does_not_run_says_so(world: World) -> None:
    world.run("- shell: exit 1").expect(1)
    done = world.prodigy("pause", world.only_id).expect(1)
    assert "not running" in done.stdout + done.stderr
    assert not list(world.home.control_directory(world.only_id).glob("*"))


def test_pausing_what_is_paused_is_done_already(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    started.signal(signal.SIGINT)
    started.finish().expect(130)
    world.prodigy("pause", run_id).expect(0)


def test_a_pause_in_the_last_step_lets_the_run_complete(world: World, place: Path) -> None:
    gate, waiting = place / "gate", place / "waiting"
    step = f"touch '{waiting}'; while [ ! -e '{gate}' ]; do sleep 0.05; done"
    started = world.start(f'- shell: "{step}"')
    world.wait_for_file(waiting)
    world.prodigy("pause", world.only_id).expect(0)
    open_gate(place)
    started.finish().expect(0)
    assert world.record()["status"] == "Completed"
    world.assert_nothing_is_held(world.only_id)


def test_a_request_for_an_earlier_owner_is_dropped(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    stale = (
        '{"format": 1, "to": "0000000000000000", "requested_at": "2026-01-01T00:00:00.000000Z",'
        ' "requested_by": {"tool": "prodigy", "pid": 1, "host": "x", "user": "x"}, "reason": null}'
    )
    control = world.home.control_directory(run_id)
    control.mkdir(exist_ok=True)
    (control / "cancel.json").write_text(stale, encoding="utf-8")
    (control / "pause.json").write_text("garbage", encoding="utf-8")
    wait_until(lambda: not any(control.glob("*.json")), "both requests are dropped")
    open_gate(place)
    started.finish().expect(0)
    dropped = [event for event in world.events() if event["event_type"] == "control_dropped"]
    assert len(dropped) == 2


@pytest.mark.slow
def test_an_owner_that_does_not_answer_is_named(world: World, place: Path) -> None:
    started, run_id = waiting_run(world, place)
    started.signal(signal.SIGSTOP)
    try:
        done = world.prodigy("pause", run_id, "--wait", "12")
        said = done.stdout + done.stderr
        assert done.exit_code != 0
        assert str(started.pid) in said or "kill -9" in said
        assert "stopped" in said
    finally:
        started.signal(signal.SIGCONT)
    started.kill()


# -- signals


@pytest.mark.parametrize(
    ("number", "exit_code", "kind", "interruption"),
    [
        (signal.SIGINT, 130, "sigint", "user_interrupt"),
        (signal.SIGTERM, 143, "sigterm", "termination"),
        (signal.SIGHUP, 129, "sighup", "termination"),
    ],
)
def test_a_signal_leaves_a_paused_run(
    world: World,
    place: Path,
    number: signal.Signals,
    exit_code: int,
    kind: str,
    interruption: str,
) -> None:
    started, run_id = waiting_run(world, place)
    started.signal(number)
    done = started.finish().expect(exit_code)
    record = world.record()
    assert record["status"] == "Paused"
    assert record["metadata"]["x_prodigy"]["stop"]["kind"] == kind
    assert world.metadata()["interruption_type"] == interruption
    assert world.metadata()["resumable"] is True
    execution = world.checkpoint()["execution_state"]
    assert (execution["status"], execution["current_step_index"]) == ("Interrupted", 1)
    if number != signal.SIGHUP:
        assert "prodigy resume" in done.stdout + done.stderr
    world.assert_agrees()
    world.assert_nothing_is_held(run_id)
    open_gate(place)
    world.prodigy("resume", run_id).expect(0)
    assert noted(place) == ["first", "second", "second", "third"]
    assert world.record()["status"] == "Completed"


def test_a_second_ctrl_c_ends_everything_at_once(world: World, place: Path) -> None:
    started = world.start(SLOWLY_ENDED.format(escape="trap '' TERM INT", place=place))
    world.wait_for_file(place / "waiting")
    started.signal(signal.SIGINT)
    time.sleep(0.3)  # two signals in one instant are one signal
    began = time.monotonic()
    started.signal(signal.SIGINT)
    started.finish().expect(130)
    assert time.monotonic() - began < 3
    run_id = world.only_id
    wait_until(lambda: not marked(run_id), "no process of the step is left", seconds=10)
    assert world.state(run_id) in ("paused", "interrupted")


def test_nohup_survives_the_hang_up(world: World, place: Path) -> None:
    text = WAITS.format(notes=place / "notes.txt", place=place)
    started = world.prodigy.start("run", world.workflow(text), ignore=(signal.SIGHUP,))
    world.wait_for_file(place / "waiting")
    started.signal(signal.SIGHUP)
    open_gate(place)
    started.finish().expect(0)
    assert noted(place) == ["first", "second", "third"]


def test_a_background_job_of_a_shell_is_spared_by_ctrl_c(world: World, place: Path) -> None:
    text = WAITS.format(notes=place / "notes.txt", place=place)
    started = world.prodigy.start(
        "run", world.workflow(text), ignore=(signal.SIGINT, signal.SIGQUIT)
    )
    world.wait_for_file(place / "waiting")
    started.signal(signal.SIGINT)
    open_gate(place)
    started.finish().expect(0)


def test_a_reader_that_goes_away_does_not_stop_the_run(world: World, place: Path) -> None:
    steps = "\n".join(f"- shell: echo {n}" for n in range(8))
    words = [*command(), "run", str(world.workflow(steps))]
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "bash", *words],
        cwd=world.repository,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert world.record()["status"] == "Completed"


def test_a_terminal_that_is_closed_pauses_the_run(world: World, place: Path) -> None:
    import pty

    text = WAITS.format(notes=place / "notes.txt", place=place)
    words = [*command(), "run", str(world.workflow(text))]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(world.repository)
        os.execv(words[0], words)
    try:
        world.wait_for_file(place / "waiting")
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    assert os.waitstatus_to_exitcode(status) == 129
    assert world.record()["status"] == "Paused"
    assert world.state() == "paused"
    world.assert_nothing_is_held(world.only_id)


# -- what a run leaves running


def test_a_background_server_serves_later_steps_and_ends_with_the_run(world: World) -> None:
    text = """\
        - shell: |
            (while :; do echo tick; sleep 0.05; done) &
            echo $! > server.pid
        - shell: sleep 0.3; kill -0 "$(cat server.pid)"
        """
    world.run(text).expect(0)
    run_id = world.only_id
    wait_until(lambda: not marked(run_id), "the server ended with the run", seconds=8)
    assert world.log(0).count("tick") > 2


def test_a_killed_owner_takes_its_steps_along(world: World, place: Path) -> None:
    escape = "setsid sleep 600 & timeout 600 sleep 600 & (trap '' TERM; sleep 600) &"
    started = world.start(SLOWLY_ENDED.format(escape=escape, place=place))
    world.wait_for_file(place / "waiting")
    run_id = world.only_id
    assert marked(run_id)
    started.kill()
    wait_until(lambda: not marked(run_id), "the guard ended every process", seconds=8)
    assert world.state(run_id) == "interrupted"


def test_a_detached_run_outlives_who_started_it(world: World, place: Path) -> None:
    text = WAITS.format(notes=place / "notes.txt", place=place)
    words = [*command(), "run", str(world.workflow(text)), "--detach"]
    launcher = subprocess.Popen(
        ["bash", "-c", '"$@"; sleep 60', "bash", *words],
        cwd=world.repository,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        world.wait_for_file(place / "waiting")
    finally:
        os.killpg(launcher.pid, signal.SIGHUP)
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()
    open_gate(place)
    wait_until(lambda: world.record()["status"] == "Completed", "the run completes")
    assert noted(place) == ["first", "second", "third"]


def test_a_detached_run_is_not_taken_along_by_the_run_it_was_started_in(
    world: World, place: Path
) -> None:
    inner = world.workflow(WAITS.format(notes=place / "notes.txt", place=place), "inner.yml")
    launch = " ".join(f"'{word}'" for word in [*command(), "run", str(inner), "--detach"])
    outer = world.start(f"- shell: |\n    {launch}\n    while :; do sleep 0.1; done\n")
    world.wait_for_file(place / "waiting")
    assert len(world.records) == 2
    outer.signal(signal.SIGINT)
    outer.finish().expect(130)
    open_gate(place)

    def both() -> bool:
        return sorted(row["status"] for row in world.listed()) == ["Completed", "Paused"]

    wait_until(both, "the inner run completed, the outer one is paused")
