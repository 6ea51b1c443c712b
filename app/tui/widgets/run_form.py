"""The fields of a run: one for each parameter, those of its inputs, and the options."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.message import Message

from app import format as form
from app.tui.calling import after_refresh
from app.tui.drawing import Line, rule
from app.tui.new_run_views import ParameterView, WorkflowView
from app.tui.widgets.form_field import MARGIN, Field, Judge
from app.tui.widgets.painted import Painted

ARG, FILES, PASSES, PROFILE = "ARG", "files", "passes", "profile"
"""Fields that are no parameters; a parameter of such a name keeps its own field."""
MERGE, FAIL_FAST = "merge", "fail_fast"
_OWN = "option "
"""Before the name of an option among the drafts, where a parameter may have the same name."""


class Switch(Painted, can_focus=True):
    """``[x] merge when done``."""

    DEFAULT_CSS = "Switch { height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "switch", show=False)]

    class Changed(Message):
        """It was switched."""

    def __init__(self, name: str, words: str, more: str) -> None:
        super().__init__(id=f"switch-{name}")
        self.option = name
        self._words, self._more = words, more
        self.on = False

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line("sel" if self.has_focus else "bg")
        if self.has_focus:
            line.put(0, "▌", "accent")
        line.put(MARGIN, "[x]" if self.on else "[ ]", "accent" if self.on else "muted")
        x = line.put(MARGIN + 4, self._words, "fg", bold=self.has_focus)
        line.put(x + 2, self._more, "faint", limit=width - x - 3)
        return [line]

    def action_switch(self) -> None:
        self.on = not self.on
        self.repaint()
        self.post_message(self.Changed())

    def on_click(self, _event: Click) -> None:
        self.action_switch()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()


class _Rule(Painted):
    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self._title = title
        self.focused = False
        self.said = ""

    def paint(self, width: int, height: int) -> list[Line]:
        said = self.said
        right = (lambda line, end: line.right(end, said, "muted")) if said else None
        return [rule(width, self._title, focused=self.focused, right=right)]


class RunForm(Vertical):
    """Fields are made anew for each workflow; what was typed before is put back."""

    class Changed(Message):
        """Something was typed, chosen or switched."""

    def __init__(self) -> None:
        super().__init__()
        self._view: WorkflowView | None = None
        self._fields: list[Field] = []
        self._options: list[Field] = []

    def compose(self) -> ComposeResult:
        yield _Rule("Parameters", id="parameters-rule")
        yield VerticalScroll(id="fields", can_focus=False)
        yield _Rule("Options", id="options-rule")
        yield Switch(MERGE, "merge when done", "else it stays unmerged until you say")
        yield Switch(FAIL_FAST, "stop at the first input that fails", "else the others go on")
        yield Vertical(id="options")

    def on_mount(self) -> None:
        self.display = False

    def show(self, view: WorkflowView, draft: Mapping[str, str]) -> None:
        """Make the fields of a workflow; those of one read again stay as they are."""
        before, self._view = self._view, view
        if before is not None and _shape(before) == _shape(view):
            self.display = not view.error_count
            for field in (*self._fields, *self._options):
                field.judge()
            return
        self._fields = [
            Field(one, draft.get(one.name, ""), self._judge_of(one.name)) for one in view.parameters
        ]
        if view.uses_args:
            self._fields += [
                _own(ARG, "one run of the steps for each value", draft, _quoting),
                _own(FILES, "or for each file, like src/*.py", draft, _nothing_wrong),
            ]
        self._options = [
            _own(PASSES, "times at most", draft, _whole,
                 default=str(view.passes)),
        ]  # fmt: skip
        if view.profiles:
            self._options.append(
                _own(PROFILE, "which variables it has", draft, _nothing_wrong,
                     default=view.active_profile, choices=view.profiles)
            )  # fmt: skip
        self.display = not view.error_count
        for box, fields in (("#fields", self._fields), ("#options", self._options)):
            inside = self.query_one(box)
            inside.remove_children()
            inside.mount_all(fields)
        for switch in self.query(Switch):
            switch.on = bool(draft.get(f"{_OWN}{switch.option}"))
            switch.repaint()
        self.query_one(f"#switch-{FAIL_FAST}").display = view.uses_args
        head = self.query_one("#parameters-rule", _Rule)
        head.display = self.query_one("#fields").display = bool(self._fields)
        head.said = form.count(len(self._fields), "field") if len(self._fields) > 4 else ""
        head.repaint()

    def _judge_of(self, name: str) -> Judge:
        def judge(_text: str) -> str:
            view = self._view
            return view.check(self.parameters()).get(name, "") if view is not None else ""

        return judge

    def focus_first(self) -> None:
        """Go to the first field."""
        if self.display:
            for field in (*self._fields, *self._options)[:1]:
                field.control.focus()

    def judge_all(self) -> None:
        """Tell everything that is wrong, and go to the first of it."""
        wrong = [field for field in (*self._fields, *self._options) if field.problem]
        for field in wrong:
            field.judge(left=True)
        if wrong:
            wrong[0].control.focus()

    # -- what is filled in

    def texts(self) -> dict[str, str]:
        """What is typed and switched, to be put back another time."""
        found = {}
        for field in (*self._fields, *self._options):
            found[_draft_name(field)] = field.text
        for switch in self.query(Switch):
            found[f"{_OWN}{switch.option}"] = "on" if switch.on else ""
        return {name: text for name, text in found.items() if text}

    def parameters(self) -> dict[str, str]:
        """Values given for parameters; what is empty is left to its default."""
        fields = [field for field in self._fields if not isinstance(field, _OwnField)]
        return {field.parameter.name: field.text for field in fields if field.text}

    def arguments(self) -> list[str]:
        """The options of ``prodigy run`` for what is filled in."""
        found = []
        for name, value in self.parameters().items():
            found += ["--param", f"{name}={value}"]
        if files := self._own_text(FILES):
            found += ["--map", files]
        for value in _words(self._own_text(ARG)):
            found += [f"--args={value}"] if value.startswith("-") else ["--args", value]
        if passes := self._own_text(PASSES):
            found += ["-n", passes.strip()]
        if profile := self._own_text(PROFILE):
            found += ["--profile", profile]
        if self._is_on(FAIL_FAST):
            found.append("--fail-fast")
        if self._is_on(MERGE):
            found.append("--yes")
        return found

    def missing(self) -> list[str]:
        """Required parameters without a value."""
        fields = self._fields
        return [one.parameter.name for one in fields if not one.text and one.problem]

    def wrong(self) -> list[str]:
        """Fields whose value cannot be."""
        fields = (*self._fields, *self._options)
        return [one.parameter.name for one in fields if one.text and one.problem]

    def _own_text(self, name: str) -> str:
        fields = [one for one in (*self._fields, *self._options) if isinstance(one, _OwnField)]
        return next((one.text for one in fields if one.parameter.name == name), "")

    def _is_on(self, name: str) -> bool:
        return any(switch.on and switch.display for switch in self.query(Switch)
                   if switch.option == name)  # fmt: skip

    # -- what happens

    def on_field_changed(self, event: Field.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_switch_changed(self, event: Switch.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_descendant_focus(self) -> None:
        self._mark_rules()

    def on_descendant_blur(self) -> None:
        after_refresh(self, self._mark_rules)

    def _mark_rules(self) -> None:
        focused = self.screen.focused
        inside = set(focused.ancestors_with_self) if focused is not None else set()
        in_fields = self.query_one("#fields") in inside
        for name, here in (("parameters", in_fields), ("options", self in inside)):
            head = self.query_one(f"#{name}-rule", _Rule)
            focused_here = here and not (name == "options" and in_fields)
            if head.focused is not focused_here:
                head.focused = focused_here
                head.repaint()


class _OwnField(Field):
    """A field that is no parameter."""

    DEFAULT_CSS = ""


def _own(
    name: str,
    words: str,
    draft: Mapping[str, str],
    judge: Judge,
    *,
    default: str | None = None,
    choices: tuple[str, ...] = (),
) -> Field:
    view = ParameterView(name, False, default, words, choices)
    return _OwnField(view, draft.get(f"{_OWN}{name}", ""), judge)


def _shape(view: WorkflowView) -> tuple[object, ...]:
    """What decides which fields there are."""
    return (view.path, view.parameters, view.uses_args, view.passes, view.profiles,
            view.active_profile)  # fmt: skip


def _draft_name(field: Field) -> str:
    name = field.parameter.name
    return f"{_OWN}{name}" if isinstance(field, _OwnField) else name


def _nothing_wrong(_text: str) -> str:
    return ""


def _quoting(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError:
        return "a quote is not closed"
    return ""


def _words(text: str) -> list[str]:
    return shlex.split(text) if not _quoting(text) else []


def _whole(text: str) -> str:
    text = text.strip()
    return "" if not text or (text.isdecimal() and int(text) >= 1) else "expects a number from 1"
