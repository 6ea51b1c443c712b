"""``prodigy schema``: the JSON Schema of workflow files, for editors."""

from __future__ import annotations

from app.cli.command import command
from app.cli.failure import EXIT_DONE
from app.cli.invocation import Invocation


@command(
    "schema",
    help="""Print the JSON Schema of workflow files.

    An editor that has it completes keys and marks misspelt ones while you type. It knows keys,
    types and words; prodigy validate knows everything.""",
    examples=("prodigy schema > workflow.schema.json", "prodigy schema | less"),
)
def schema(invocation: Invocation) -> int:
    from orchestrator.workflow.schema import workflow_schema

    invocation.out.json(workflow_schema())
    return EXIT_DONE
