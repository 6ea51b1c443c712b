"""The program ``prodigy-tui``: its options, then the dashboard."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from store.errors import StoreError
from store.home import Home
from store.version import VERSION

EXIT_USAGE, EXIT_FAILED = 2, 1


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
    home = Home(Path(given.home).expanduser().absolute()) if given.home else Home.from_environment()
    query = given.filter
    if given.repo:
        query = f"repo:{_repository_name(given.repo)} {query}".strip()
    session = None
    if given.session:
        from store.lookup import resolve

        try:
            session = resolve(home, given.session)
        except StoreError as error:
            print(f"error: {error}", file=sys.stderr)
            if error.hint:
                print(f"  {error.hint}", file=sys.stderr)
            return EXIT_USAGE
    from app.tui.serving import forget_the_driver, is_shown_in_a_browser

    in_browser = is_shown_in_a_browser(os.environ)
    if not in_browser and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("error: the dashboard needs a terminal", file=sys.stderr)
        print("  prodigy sessions list shows the same", file=sys.stderr)
        return EXIT_FAILED
    gc.disable()  # until something is on the screen: what is imported stays
    from app.tui.app import ProdigyApp
    from app.tui.backend import Backend
    from app.tui.settings import load_settings
    from app.tui.theme import OUR_NAMES

    backend = Backend(home, Path.cwd(), read_only=given.read_only)
    theme = OUR_NAMES.get(given.theme, given.theme)
    settings = load_settings(home, os.environ)
    app = ProdigyApp(backend, query=query, session=session, theme=theme, settings=settings)
    if in_browser:
        app.call_later(forget_the_driver)  # once it has its driver and its size
    code = app.run()
    return code if isinstance(code, int) else app.return_code or 0


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
        return discover(Path(text).absolute()).name
    except GitError:
        return Path(text).absolute().name
