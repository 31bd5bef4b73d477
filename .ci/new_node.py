"""Writes the parts of a new node kind: declaration, handler, test folder, and the lines of the registry.

    python .ci/new_node.py KIND        # text_upper, or memory.get for a kind of a family

What it writes compiles, runs and passes the checks as it stands, as a node that hands its input on; the recipe in
CONTRIBUTING.md says what to change. Nothing is written unless everything can be.
"""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("compiler", "runtime_lib", "templates")]

from agentdc.codegen.workflow import RESERVED  # noqa: E402 - the packages of this tree, whatever is installed
from agentdc.nodes.registry import SPECS  # noqa: E402

NODES = "compiler/agentdc/nodes"
HANDLERS = "runtime_lib/agentdc_runtime/nodes"
REGISTRY = f"{NODES}/registry.py"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAX_LENGTH = 40

DECLARATION = '''\
"""`@KIND@`: say in one line what it does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, PathField, TypeOf, handler
from agentdc.types import Type, record


class @CLASS@(NodeModel):
    """Say what the node does, for the editor."""

    type: Literal["@KIND@"]
    input_from: str = Field(description="context path of the input")


def _output(node: @CLASS@, type_of: TypeOf) -> Type:
    return record({"value": type_of(node.input_from)})


def _lower(node: @CLASS@) -> Expr:
    return Call(handler("@MODULE@"), (("value", Load(node.input_from, "error", "@KIND@")),))


SPEC = NodeSpec(
    kind="@KIND@",
    summary="say in a few words what it does",
    model=@CLASS@,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from"),),
    errors=("tool",),
)
'''

HANDLER = '''\
"""`@KIND@`: say in one line what it does. Links nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, value: Json) -> Json:
    """`{"value"}`; say what it holds."""
    return {"value": value}
'''

WORKFLOW = """\
name = "@KIND@ node"

[[start_nodes]]
name = "main"
source = "manual"

[[nodes]]
id = "it"
type = "@KIND@"
input_from = "trigger.value"
"""

EXCHANGE = """\
= in.json
| {"value": [1, "two"]}
$ --input in.json
> {
>   "status": "completed",
>   "final_value": {
>     "value": [
>       1,
>       "two"
>     ]
>   },
>   "last_node": "it"
> }
? 0
"""

FAMILY = '"""The node kinds `@FAMILY@.*`."""\n'


class Refused(Exception):
    """Why there cannot be a kind of this name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and what it is called in Python: `folders` and `stem` of its files, below `nodes`."""

    name: str
    folders: tuple[str, ...]
    stem: str

    @property
    def alias(self) -> str:
        """The name of its declaration's module in the registry."""
        return "_".join((*self.folders, self.stem))

    @property
    def module(self) -> str:
        """Its module below `nodes`."""
        return ".".join((*self.folders, self.stem))

    @property
    def path(self) -> str:
        """Its file below `nodes`, in the compiler and in the runtime library."""
        return "/".join((*self.folders, self.stem)) + ".py"

    @property
    def class_name(self) -> str:
        """The name of its model, which hides nothing."""
        name = "".join(word.capitalize() for word in re.split(r"[._]", self.name))
        return f"{name}Node" if re.search(rf"\b{name}\b", DECLARATION) or hasattr(builtins, name) else name


def kind_of(name: str) -> Kind:
    """The kind called `name`; Refused when the name is not one, or is taken."""
    parts = name.split(".")
    if not all(NAME.fullmatch(part) for part in parts) or len(name) > MAX_LENGTH:
        raise Refused(
            f'"{name}" is no name for a kind: small letters and digits, words joined by `_`, '
            f"a family before a dot, at most {MAX_LENGTH} characters"
        )
    if name in SPECS:
        raise Refused(f'there is a kind "{name}"')
    *folders, stem = (f"{part}_" if keyword.iskeyword(part) else part for part in parts)
    if stem in RESERVED:
        raise Refused(f'"{stem}" has a meaning of its own in generated code')
    same = [each for each in SPECS if each.rpartition(".")[2] == name.rpartition(".")[2]]
    if same:
        raise Refused(f'"{same[0]}" has a handler of the same name, and an app can use both')
    return Kind(name, tuple(folders), stem)


def files_of(kind: Kind) -> Iterator[tuple[str, str]]:
    """Path and text of every file to write."""
    for length in range(1, len(kind.folders) + 1):
        folder = "/".join(kind.folders[:length])
        for place in (NODES, HANDLERS):
            if (ROOT / place / f"{folder}.py").exists():
                raise Refused(f"{place}/{folder}.py is there, so {folder} cannot be a family")
            if not (ROOT / place / folder / "__init__.py").exists():
                family = ".".join(kind.name.split(".")[:length])
                yield f"{place}/{folder}/__init__.py", FAMILY.replace("@FAMILY@", family)
    texts = {
        f"{NODES}/{kind.path}": DECLARATION,
        f"{HANDLERS}/{kind.path}": HANDLER,
        f"tests/nodes/{kind.name}/workflow.toml": WORKFLOW,
        f"tests/nodes/{kind.name}/exchange.txt": EXCHANGE,
    }
    words = {"@KIND@": kind.name, "@CLASS@": kind.class_name, "@MODULE@": kind.module}
    for path, text in texts.items():
        if (ROOT / path).exists() or (ROOT / path.removesuffix(".py")).exists():
            raise Refused(f"{path} is there")
        for mark, word in words.items():
            text = text.replace(mark, word)  # noqa: PLW2901 - one word after the other
        yield path, text


def registered(registry: str, kind: Kind) -> str:
    """The registry with the kind's module imported and its declaration listed, both in order."""
    lines = registry.splitlines()
    if re.search(rf"^    {kind.alias}(,|\.SPEC)", registry, re.MULTILINE):
        raise Refused(f"the registry has a module called {kind.alias}")
    if kind.folders:
        first = next(index for index, line in enumerate(lines) if line.startswith("from agentdc.nodes.spec"))
        while lines[first - 1].startswith("from agentdc.nodes."):
            first -= 1
        family = ".".join(kind.folders)
        added = f"from agentdc.nodes.{family} import {kind.stem} as {kind.alias}"
        _insert(lines, first, added)
    else:
        added = f"    {kind.alias},"
        if hasattr(builtins, kind.alias):
            added += f"  # noqa: A004 - the module of the kind `{kind.name}`"
        _insert(lines, lines.index("from agentdc.nodes import (") + 1, added)
    listed = next(index for index, line in enumerate(lines) if line.endswith("= _table("))
    _insert(lines, listed + 1, f"    {kind.alias}.SPEC,")
    return "\n".join(lines) + "\n"


def _insert(lines: list[str], first: int, added: str) -> None:
    """Put a line among the sorted ones that begin at `first`; they end where the indentation or the word does."""
    lead = added[:4]
    index = first
    while lines[index].startswith(lead) and lines[index] < added:
        index += 1
    lines.insert(index, added)


def main(arguments: list[str]) -> int:
    """Write the parts of one kind; 2 for a name that cannot be one."""
    if len(arguments) != 1:
        sys.stderr.write("usage: make new-node KIND=<kind>\n")
        return 2
    registry = ROOT / REGISTRY
    try:
        kind = kind_of(arguments[0])
        texts = dict(files_of(kind))
        texts[REGISTRY] = registered(registry.read_text("utf-8"), kind)
    except Refused as refused:
        sys.stderr.write(f"new-node: {refused}\n")
        return 2
    for path, text in texts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, "utf-8")
        sys.stdout.write(f"{path}\n")
    sys.stdout.write("\nnext: CONTRIBUTING.md, from step 2 of the recipe for a node kind\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
