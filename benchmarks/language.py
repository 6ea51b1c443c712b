"""The workflow language: loading a long file, interpolating a long text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import Result, median_of

_STEPS = 2_000
_REFERENCES = 1_000


def measure() -> list[Result]:
    """Loading and checking 2,000 steps, and interpolating 1 MB with 1,000 references."""
    from orchestrator.workflow.environment import StartScope
    from orchestrator.workflow.interpolation import TextKind, interpolate
    from orchestrator.workflow.load import load_workflow

    text = long_file().encode()
    path = Path("bench.yml")

    def load() -> float:
        began = time.perf_counter()
        loaded = load_workflow(path, text=text)
        took = time.perf_counter() - began
        if loaded.workflow is None or len(loaded.workflow.steps) != _STEPS or loaded.problems:
            raise RuntimeError(f"the long file did not load: {loaded.problems[:3]}")
        return took

    scope = StartScope(long_values(), {})
    source = long_text()

    def fill(kind: TextKind) -> float:
        began = time.perf_counter()
        rendered = interpolate(source, scope, kind)
        took = (time.perf_counter() - began) * 1000
        if "${" in rendered.text:
            raise RuntimeError("a reference was not replaced")
        return took

    loading = statistics.median(load() for _ in range(3))
    return [
        Result(f"load and check {_STEPS} steps", loading, "s", 1, f"{len(text) // 1024} KiB"),
        Result(
            "interpolate a prompt, 1 MB, 1,000 references",
            median_of(lambda: fill(TextKind.PROMPT), 5),
            "ms",
            50,
        ),
        Result(
            "interpolate a shell text, 1 MB, 1,000 references",
            median_of(lambda: fill(TextKind.SHELL), 5),
            "ms",
            50,
        ),
    ]


def long_file() -> str:
    """A file as people write them: several kinds, handlers, conditions, captures."""
    kinds = (
        """\
- shell: "make part-{n} && echo ${{last.output}}"
  id: step-{n}
  timeout: 5m
  env: {{PART: "{n}", MODE: fast}}
  when: "${{step-{n}.exit_code}} == 0 || ${{ARG:-none}} != 'x'"
  capture: out_{n}
""",
        """\
- claude: "/review part {n} of ${{total_steps}}"
  commit_required: true
  retry: {{attempts: 3, backoff: fibonacci, retry_on: [network, rate_limit]}}
""",
        """\
- shell: "./check {n}"
  on_failure:
    shell: "./repair {n}"
    max_attempts: 2
  on_success: [{{shell: "echo {n} is well"}}]
""",
        """\
- write_file:
    path: "out/{n}.json"
    format: json
    content: {{number: {n}, name: "part ${{ARG}}"}}
    create_dirs: true
""",
    )
    steps = "".join(kinds[n % len(kinds)].format(n=n) for n in range(_STEPS))
    return f"name: long\nenv: {{A: 1}}\ncommands:\n{steps}"


def long_values() -> Mapping[str, object]:
    """The variables of the long text."""
    values: dict[str, object] = {f"name_{n}": f"value {n}" for n in range(100)}
    values["data"] = {"items": [{"name": f"item {n}"} for n in range(100)]}
    return values


def long_text() -> str:
    """About 1 MB in lines, one reference in each."""
    filler = "some words that stand around it, and $(a command) for $1 or so. " * 16
    forms = (
        "${{name_{n}}}",
        "${{data.items[{n}].name}}",
        "${{name_{n}:-none}}",
        "${{missing.part:-{n}}}",
    )
    return "\n".join(
        filler[:960] + forms[n % len(forms)].format(n=n % 100) for n in range(_REFERENCES)
    )
