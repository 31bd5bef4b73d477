"""The words behind a verb of an app: an action, its operand, flags with values. Imports nothing.

`<app> approvals reject RUN-ID --note TEXT`: what is allowed is a table, and so is the help.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON = {"--state-dir": "DIR", "--format": "text|json"}


class Usage(Exception):
    """Words that are refused; the message says why. Without one, help was asked for."""


class Action:
    """What can be asked for. `operand`: its name, or empty; `flags`: each with the name of its value."""

    __slots__ = ("flags", "meaning", "operand")

    def __init__(self, operand: str, flags: Mapping[str, str], meaning: str) -> None:
        self.operand = operand
        self.flags = flags
        self.meaning = meaning


class Words:
    """A command, understood."""

    __slots__ = ("action", "flags", "operand")

    def __init__(self, action: str, operand: str, flags: dict[str, str]) -> None:
        self.action = action
        self.operand = operand
        self.flags = flags

    @property
    def json(self) -> bool:
        """Whether the answer is for machines."""
        return self.flags.get("--format") == "json"

    def number(self, flag: str) -> int | None:
        """The value of a flag as a whole number, None without the flag; Usage."""
        text = self.flags.get(flag)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Usage(f"`{flag}` takes a whole number")
        return int(text)


def understood(words: list[str], verb: str, actions: Mapping[str, Action]) -> Words:
    """What the words after a verb ask for; Usage."""
    if not words:
        raise Usage(f"`{verb}` needs to know what to do: {', '.join(actions)}")
    if words[0] in ("--help", "-h"):
        raise Usage
    name = words[0]
    if name not in actions:
        raise Usage(f"unknown argument `{name}` after `{verb}`: it takes {', '.join(actions)}")
    action, flags, operands = actions[name], dict[str, str](), list[str]()
    rest = iter(words[1:])
    for word in rest:
        flag, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        if flag in ("--help", "-h"):
            raise Usage
        if flag == "--json" and not equals:
            flags["--format"] = "json"
        elif flag in COMMON or flag in action.flags:
            flags[flag] = text if equals else next(rest, "")
            if not flags[flag].strip():
                raise Usage(f"`{flag}` requires a value")
        elif word.startswith("-"):
            raise Usage(f"unknown argument `{flag}` for `{verb} {name}`")
        else:
            operands.append(word)
    if flags.get("--format", "text") not in ("text", "json"):
        raise Usage("`--format` takes text or json")
    if len(operands) != bool(action.operand):
        raise Usage(f"`{verb} {name}` takes {f'one {action.operand}' if action.operand else 'no operand'}")
    return Words(name, operands[0] if operands else "", flags)


def help_lines(program: str, verb: str, actions: Mapping[str, Action]) -> list[str]:
    """The help of a verb."""
    lines = [f"Usage: {program} {verb} ACTION [--state-dir DIR] [--format text|json]", ""]
    for name, action in actions.items():
        flags = "".join(f" [{flag} {value}]" for flag, value in action.flags.items())
        lines += [f"  {f'{name} {action.operand}'.strip()}{flags}", f"      {action.meaning}"]
    return [
        *lines,
        "",
        "Exit codes: 0 done, 2 usage, 3 nothing there, 5 failed or refused, 8 decided already.",
    ]
