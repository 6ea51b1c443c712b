"""What steps leave running: alive for later steps, gone after the run."""

from __future__ import annotations

import json
import time

from tests.orchestrator.engine.runs import RunWorkflow
from tests.program import wait_until
from tests.world import marked

SERVER = """
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
with open("port", "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
"""
ASK = """
import urllib.request
with open("port") as file, open("trace", "wb") as trace:
    trace.write(urllib.request.urlopen(f"http://127.0.0.1:{file.read()}/hello.txt").read())
"""


def test_a_server_of_one_step_serves_the_next_and_is_gone_after_the_run(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        f"""
        - write_file: {{path: server.py, content: {json.dumps(SERVER)}}}
        - write_file: {{path: ask.py, content: {json.dumps(ASK)}}}
        - write_file: {{path: hello.txt, content: hello there}}
        - {{shell: "python3 server.py & until test -s port; do sleep 0.05; done", timeout: 20}}
        - {{shell: "python3 ask.py", timeout: 20}}
        """
    ).completed()
    assert ran.lines() == ["hello there"]
    assert "GET /hello.txt" in ran.log(3), "its output still goes to the log of its step"
    wait_until(lambda: not marked(ran.id), "the server is gone", seconds=5)


def test_a_child_in_the_background_does_not_hold_its_step(run_workflow: RunWorkflow) -> None:
    started = time.monotonic()
    ran = run_workflow(
        """
        - shell: "sleep 100 & echo early"
        - shell: "(sleep 0.3; echo late) & true"
        - shell: "sleep 0.6; echo waited"
        """
    ).completed()
    assert time.monotonic() - started < 15
    assert ran.log(0) == "early\n"
    assert ran.log(1) == "late\n"
    assert not marked(ran.id)


def test_a_handler_may_start_something_for_the_next_run(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "test -p pipe && echo asked >pipe"
          timeout: 10
          on_failure:
            shell: "mkfifo pipe; (read -r line <pipe; echo got $line >>trace) & true"
            max_attempts: 2
            fail_workflow: true
        - shell: "until test -e trace; do sleep 0.05; done"
          timeout: 10
        """
    ).completed()
    assert ran.lines() == ["got asked"]


def test_a_step_that_opens_the_terminal_is_not_stopped_for_ever(run_workflow: RunWorkflow) -> None:
    run_workflow('- {shell: "cat </dev/tty || true", timeout: 10}').completed()
