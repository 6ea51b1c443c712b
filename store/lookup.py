"""From any id somebody may have at hand to the run it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from store import fields
from store.atomic import read_file, read_json_object
from store.catalog import Catalog, Order, SessionFilter
from store.errors import AmbiguousId, NotFound, StoreError
from store.home import Home, check_id, is_id
from store.scan import AGENT_PREFIX, find_metadata, has_checkpoint, metadata_directories
from store.states import State

LATEST = "latest"
LATEST_FAILED = "latest-failed"

_PREFIXES = ("session-", "workflow-", "mapreduce-")
_SHORTEST_PREFIX = 4
_BRANCH_PREFIX = "prodigy-"
_AGENT = re.compile(r"(?:prodigy-)?(?:mapreduce-agent-)?(.+)_agent_\d+\Z")
_FAILED = frozenset({State.FAILED, State.MERGE_FAILED})
_NEAR = 3


def resolve(home: Home, text: str, *, repo: str | None = None) -> str:
    """Find the run somebody means.

    The text may be a session id, the name of a worktree or branch, a workflow id, a job id, an
    agent id or worktree, the id of a session checkpoint, a beginning of an id of at least four
    characters (with or without its known prefix), the path of a state file, or ``latest`` or
    ``latest-failed``. The first of these that fits decides.

    Args:
        home: the state home.
        text: what somebody typed.
        repo: name of the repository ``latest`` is about; None for all.

    Returns:
        The session id.

    Raises:
        InvalidId: it cannot be an id.
        AmbiguousId: several runs fit.
        NotFound: none fits; the hint names near ones.
    """
    wanted = text.strip()
    if wanted in (LATEST, LATEST_FAILED):
        return _latest(home, repo, failed_only=wanted == LATEST_FAILED)
    wanted = check_id(_id_in_path(home, wanted))
    if _is_run(home, wanted):
        return _owner_of_directory(home, wanted)
    with _Search(home, wanted) as search:
        for stage in search.stages:
            found = {_owner_of_directory(home, run_id) for run_id in stage()}
            if len(found) == 1:
                return found.pop()
            if found:
                candidates = tuple(sorted(found))
                raise AmbiguousId(f"{wanted} could be any of {len(found)} sessions", candidates)
    near = _nearest(wanted, run_ids(home))
    words = f"near: {', '.join(near)}; " if near else ""
    raise NotFound(f"no session {wanted[:80]}", hint=f"{words}prodigy sessions list")


def run_ids(home: Home) -> set[str]:
    """The id of everything that is a run by its name: records, checkpoints, worktrees."""
    records = {name[:-5] for name in _names(home.sessions) if name.endswith(".json")}
    ids = {run_id for run_id in records if not run_id.startswith(".")}
    ids |= {name for name in set(_names(home.state)) - ids if has_checkpoint(home, name)}
    for directory in metadata_directories(home.worktrees):
        stems = {name[:-5] for name in _names(directory) if name.endswith(".json")}
        ids |= {stem for stem in stems if not stem.startswith((".", AGENT_PREFIX))}
    return ids


def _id_in_path(home: Home, text: str) -> str:
    """The id in the path of a state file; any other text is returned as it is."""
    if "/" not in text or "\0" in text:
        return text
    path = Path(os.path.abspath(os.path.expanduser(text)))
    try:
        parts = path.relative_to(home.root).parts
    except ValueError:
        return text
    match parts:
        case ("sessions", name) | ("worktrees", _, ".metadata", name):
            return name.removesuffix(".json")
        case ("state", run_id, *_) | ("worktrees" | "events", _, run_id, *_):
            return run_id
    return text


def _is_run(home: Home, run_id: str) -> bool:
    return home.session_file(run_id).exists() or home.checkpoints_directory(run_id).is_dir()


def _owner_of_directory(home: Home, run_id: str) -> str:
    """A record without a directory of its own may be a second one of a run that has one."""
    if home.run_directory(run_id).is_dir():
        return run_id
    try:
        document = read_json_object(home.session_file(run_id))
    except StoreError:
        return run_id
    workflow_id = fields.text(fields.table(document.get("workflow_data")).get("workflow_id"))
    try:
        owns = workflow_id != run_id and home.checkpoints_directory(workflow_id).is_dir()
    except StoreError:
        return run_id
    return workflow_id if owns else run_id


def _session_of_metadata(home: Home, path: Path, name: str) -> str:
    try:
        session_id = read_json_object(path).get("session_id")
        if isinstance(session_id, str) and _is_run(home, session_id):
            return session_id
    except StoreError:
        pass
    return name


class _Search:
    """The stages of a search for one text; the catalog is opened once, by the first to need it."""

    def __init__(self, home: Home, text: str) -> None:
        self._home = home
        self._text = text
        self._catalog: Catalog | None = None

    def __enter__(self) -> _Search:
        return self

    def __exit__(self, *_: object) -> None:
        if self._catalog is not None:
            self._catalog.close()

    @property
    def stages(self) -> tuple[Callable[[], set[str]], ...]:
        return (
            self._by_worktree,
            self._by_branch,
            self._by_workflow,
            lambda: self._by_job(self._text),
            self._by_agent,
            self._by_session_checkpoint,
            self._by_prefix,
        )

    @property
    def catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = Catalog(self._home)
            self._catalog.refresh()
        return self._catalog

    def _by_worktree(self) -> set[str]:
        home, found = self._home, set()
        for name in {self._text, self._text.removeprefix(_BRANCH_PREFIX)}:
            if name.startswith(AGENT_PREFIX) or not is_id(name):
                continue
            metadata = find_metadata(home, name)
            if _is_run(home, name):
                found.add(name)
            elif metadata is not None:
                found.add(_session_of_metadata(home, metadata, name))
            elif any((home.worktrees / repo / name).is_dir() for repo in _names(home.worktrees)):
                found.add(name)
        return found

    def _by_branch(self) -> set[str]:
        rows = self.catalog.rows(SessionFilter(text=self._text, archived=None))
        names = {self._text, self._text.removeprefix(_BRANCH_PREFIX)}
        return {row.id for row in rows if {row.branch, Path(row.worktree).name} & names}

    def _by_workflow(self) -> set[str]:
        home, text = self._home, self._text
        abouts = self.catalog.abouts()
        found = {run_id for run_id, about in abouts.items() if about.workflow_id == text}
        name = f"{text}.checkpoint.json"
        for run_id in _names(home.state):
            path = f"{home.state}/{run_id}/checkpoints/{name}"
            if os.path.exists(path) and has_checkpoint(home, run_id):
                found.add(run_id)
        return found

    def _by_job(self, job_id: str) -> set[str]:
        home, abouts = self._home, self.catalog.abouts()
        found = {run_id for run_id, about in abouts.items() if about.job_id == job_id}
        for repo in _names(home.state):
            mapping = f"{home.state}/{repo}/mappings/{job_id}.json"
            if not os.path.exists(mapping):
                continue
            try:
                session_id = read_json_object(Path(mapping)).get("session_id")
                if isinstance(session_id, str) and _is_run(home, session_id):
                    found.add(session_id)
            except StoreError:
                continue
        return found

    def _by_agent(self) -> set[str]:
        match = _AGENT.match(self._text)
        return self._by_job(match[1]) if match else set()

    def _by_session_checkpoint(self) -> set[str]:
        text = self._text
        if not text.startswith("checkpoint-"):
            return set()
        found = set()
        for name in _names(self._home.sessions):
            if not name.endswith(".json") or name.startswith("."):
                continue
            try:
                if text.encode() not in read_file(self._home.sessions / name):
                    continue
                document = read_json_object(self._home.sessions / name)
            except (OSError, StoreError):
                continue
            if any(one.get("id") == text for one in fields.rows(document.get("checkpoints"))):
                found.add(name.removesuffix(".json"))
        return found

    def _by_prefix(self) -> set[str]:
        bare = self._text.removeprefix(_BRANCH_PREFIX)
        starts = [bare] if bare.startswith(_PREFIXES) else [f"{one}{bare}" for one in _PREFIXES]
        if any(len(start.split("-", 1)[-1]) < _SHORTEST_PREFIX for start in starts):
            return set()
        found = {run_id for run_id in run_ids(self._home) if run_id.startswith((*starts, bare))}
        if found or not bare.startswith(("workflow-", "mapreduce-")):
            return found
        return {
            run_id
            for run_id, about in self.catalog.abouts().items()
            if about.workflow_id.startswith(bare) or (about.job_id or "").startswith(bare)
        }


def _latest(home: Home, repo: str | None, *, failed_only: bool) -> str:
    wanted = SessionFilter(
        states=_FAILED if failed_only else None,
        repo=repo,
        archived=None,
        limit=1,
        order=Order.STARTED,
    )
    with Catalog(home) as catalog:
        catalog.refresh()
        rows = catalog.rows(wanted)
    if not rows:
        where = f" in {repo}" if repo else ""
        what = "failed session" if failed_only else "session"
        raise NotFound(f"no {what}{where}", hint="prodigy sessions list")
    return rows[0].id


def _nearest(text: str, ids: Iterable[str]) -> list[str]:
    from difflib import get_close_matches

    bare = text.removeprefix(_BRANCH_PREFIX)
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    by_end = {run_id.split("-", 1)[-1][: max(len(bare), 1)]: run_id for run_id in sorted(ids)}
    return [by_end[end] for end in get_close_matches(bare, by_end, n=_NEAR, cutoff=0.6)]


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
