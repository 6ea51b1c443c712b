"""The program ``prodigy-tui``: its options, then the dashboard."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from store.errors import AmbiguousId, NotFound, StoreError
from store.home import Home
from store.version import VERSION

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND = 1, 2, 3
FRAMES_A_SECOND = "240"
SWITCH_SECONDS = 0.001
"""A key passes through three threads, and each may have to wait so long for one that computes."""
_CANNOT_PLACE_TEXT = frozenset({"dumb", "unknown"})
"""Values of ``TERM`` that say so."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prodigy-tui",
        description="The dashboard: every run, what needs you, and what to do about it.",
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"prodigy-tui {VERSION}")
    parser.add_argument("--home", metavar="DIR", help="the state home (default: $PRODIGY_HOME)")
    parser.add_argument(
        "--repo", metavar="R", help="only sessions of this repository; . is the present one"
    )
    parser.add_argument("--filter", metavar="TEXT", default="", help="begin with this filter")
    parser.add_argument("--session", metavar="ID", help="begin at this session")
    parser.add_argument("--read-only", action="store_true", help="no action writes anything")
    parser.add_argument("--theme", metavar="NAME", help="dark, light, or one of Textual's")
    parser.add_argument(
        "--serve", "--web", nargs="?", const="", metavar="HOST:PORT", dest="serve",
        help="show it in a web browser (127.0.0.1:8000); needs the extra 'web'",
    )  # fmt: skip
    parser.add_argument(
        "--token", metavar="WORD", help="what a browser must know; needed for other hosts"
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Show the dashboard until it is quit; returns the exit code."""
    given = _parser().parse_args(arguments)
    if given.serve is not None:
        from app.tui.serving import serve

        return serve(given.serve, _without_serving(arguments), given.token, os.environ)
    _shorten_frames()
    sys.setswitchinterval(SWITCH_SECONDS)
    home = Home(Path(given.home).expanduser().absolute()) if given.home else Home.from_environment()
    try:
        session = _session_of(home, given.session)
        query = _query_of(given.repo, given.filter)
        theme = _theme_of(given.theme)
        in_browser = _is_shown_in_a_browser()
        if not in_browser:
            _check_terminal()
    except _Refused as refused:
        print(f"error: {refused.words}", file=sys.stderr)
        print(f"  {refused.hint}", file=sys.stderr)
        return refused.exit_code
    gc.disable()  # until something is on the screen: what is imported stays
    from app.tui.app import ProdigyApp
    from app.tui.backend import Backend
    from app.tui.settings import load_settings

    backend = Backend(home, Path.cwd(), read_only=given.read_only)
    settings = load_settings(home, os.environ)
    app = ProdigyApp(backend, query=query, session=session, theme=theme, settings=settings)
    if in_browser:
        from app.tui.serving import forget_the_driver

        app.call_later(forget_the_driver)  # once it has its driver and its size
    code = app.run()
    return code if isinstance(code, int) else app.return_code or 0


def _shorten_frames() -> None:
    """Have Textual paint more often: what a key does waits up to two frames when something else was
    painted just before, which at its 60 frames a second is longer than a person should wait.
    """
    name = "TEXTUAL_FPS"
    if name not in os.environ:
        os.environ[name] = FRAMES_A_SECOND
        import textual.constants  # noqa: F401 - it reads the variable, which no child inherits

        del os.environ[name]


class _Refused(Exception):
    """The dashboard is not opened, and this is why."""

    def __init__(self, words: str, hint: str, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(words)
        self.words, self.hint, self.exit_code = words, hint, exit_code


def _session_of(home: Home, text: str | None) -> str | None:
    """The session somebody means."""
    if not text:
        return None
    from store.lookup import resolve

    try:
        return resolve(home, text)
    except NotFound as error:
        raise _Refused(str(error), error.hint, EXIT_NOT_FOUND) from error
    except AmbiguousId as error:
        raise _Refused(str(error), ", ".join(error.candidates)) from error
    except StoreError as error:
        raise _Refused(str(error), error.hint) from error


def _query_of(repository: str | None, text: str) -> str:
    """What is asked of the list at first."""
    return f'repo:"{_repository_name(repository)}" {text}'.strip() if repository else text


def _theme_of(name: str | None) -> str | None:
    """The theme of a name."""
    if name is None:
        return None
    from app.tui.theme import find_theme, theme_names

    found = find_theme(name)
    if found is None:
        raise _Refused(f"no theme '{name}'", f"there are {', '.join(theme_names())}")
    return found


def _is_shown_in_a_browser() -> bool:
    from app.tui.serving import is_shown_in_a_browser

    return is_shown_in_a_browser(os.environ)


def _check_terminal() -> None:
    hint = "prodigy sessions list shows the same"
    if not all(os.isatty(descriptor) for descriptor in (0, 1, 2)):
        raise _Refused("the dashboard needs a terminal", hint)
    term = os.environ.get("TERM", "")
    if term.lower() in _CANNOT_PLACE_TEXT:
        raise _Refused(f"the dashboard cannot be drawn on a terminal that is '{term}' (TERM)", hint)


def _without_serving(arguments: Sequence[str]) -> list[str]:
    """The arguments of each dashboard that is served."""
    kept = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    kept.add_argument("--serve", "--web", nargs="?")
    kept.add_argument("--token")
    return kept.parse_known_args(arguments)[1]


def _repository_name(text: str) -> str:
    """The name of a repository, given by its name or by a directory in it."""
    if "/" not in text and text not in (".", ".."):
        return text
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import discover

    try:
        return discover(Path(text).expanduser().absolute()).name
    except GitError as error:
        hint = "name one of the list (--repo NAME), or leave it out"
        raise _Refused(f"{text} is not inside a git repository", hint, EXIT_FAILED) from error
