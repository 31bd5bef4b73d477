"""The view of the workflow module: a program's blocks as functions, one statement after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from agentdc.codegen.expressions import Source
from agentdc.codegen.literals import comment, literal
from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.names import Names
from agentdc.codegen.schemas import Schemas
from agentdc.codegen.views import BlockView, ExitView, NodeView, RetryView, StartView, StepView, WorkflowView
from agentdc.ir.ops import (
    Block,
    Call,
    ChildProgram,
    Choice,
    Expr,
    LoopEdge,
    Named,
    Need,
    Program,
    Record,
    Step,
)
from agentdc.ir.walk import parts

ABI = 1  # of the runtime library that the generated text is written for
EDGES = "agentdc_runtime.core.edges"
RETRY = "agentdc_runtime.core.retry"
RETRY_AWAITED = "agentdc_runtime.core.retry_async"
RUN = "agentdc_runtime.core.run"
PAUSE = "agentdc_runtime.core.pause"
MAX_VISITS = 10_000

# Names that the templates use or import; nothing from the workflow may take them.
RESERVED = frozenset(
    {
        *("run", "now", "then", "clock", "trace", "branch", "data", "chosen", "attempt", "pick", "ambiguous"),
        *("too_long", "find", "need", "fill", "text", "Node", "Run", "Next", "Block", "Json", "Retry"),
        *(
            "ABI",
            "ANY_JSON",
            "FILE",
            "PROGRAM",
            "Program",
            "schemas",
            "TYPE_CHECKING",
            "annotations",
            "pause",
        ),
    }
)


class WorkflowModule:
    """Builds the view; holds the names of one module.

    `modules`: child programs to (package, module). `package`: of the generated code, with the app's `schemas`.
    `awaits`: the colour of the app. `needs`: what a run that goes on at a block must have stored, None where none
    does.
    """

    def __init__(
        self,
        program: Program,
        modules: Mapping[str, tuple[str, str]],
        package: str,
        schemas: Schemas,
        *,
        awaits: bool,
        needs: Mapping[str, Sequence[Need]] | None = None,
    ) -> None:
        self._program = program
        self._package = package
        self._schemas = schemas
        self._needs = needs
        self._awaits = awaits
        self._modules = modules
        self._children = {key: module for key, (_, module) in modules.items()}
        self._imports: set[tuple[str, str]] = {(RUN, "Node"), (RUN, "Program")}
        self._retries: list[RetryView] = []
        called = {stem for module in _called(program) for stem in (module.rpartition(".")[2],)}
        names = Names(RESERVED | called | set(self._children.values()))
        steps = [step for block in program.blocks for step in block.steps]
        self._functions = {block.name: names.take(block.name, prefix="from_") for block in program.blocks}
        self._constants = {step.node: names.take(step.node, upper=True) for step in steps}
        self._variables = {step.node: names.take(step.node) for step in steps}
        self._attempts = {step.node: names.take(step.node, prefix="try_") for step in steps if step.retry}
        self._retry_names = {
            step.node: names.take(step.node, prefix="retry_", upper=True) for step in steps if step.retry
        }
        self._counts = program.cyclic or len(steps) > MAX_VISITS

    def view(self, docstring: str) -> WorkflowView:
        """The whole module."""
        blocks = tuple(self._block(block) for block in self._program.blocks)
        self._imports |= {self._modules[key] for key in _child_keys(self._program)}
        if self._counts:
            self._imports.add((EDGES, "too_long"))
        return WorkflowView(
            docstring=quoted_docstring(docstring),
            name=literal(self._program.name),
            file=literal(self._program.file),
            awaits=self._awaits,
            abi=ABI,
            imports=tuple(f"from {module} import {name}" for module, name in sorted(self._imports)),
            nodes=tuple(
                NodeView(self._constants[step.node], literal(step.node), literal(step.kind), step.line)
                for block in self._program.blocks
                for step in block.steps
            ),
            retries=tuple(self._retries),
            blocks=blocks,
            starts=tuple(
                StartView(literal(start.name), literal(start.source), self._functions[start.block])
                for start in self._program.starts
            ),
            points=tuple(
                StartView(literal(block.name), "", self._functions[block.name])
                for block in self._program.blocks
                if self._needs is not None
            ),
            needs=tuple(
                (literal(block.name), literal(tuple((each.node, each.path, each.kind) for each in found)))
                for block in self._program.blocks
                if (found := (self._needs or {}).get(block.name))
            ),
            loops=len(self._program.loops),
            counts_visits=self._counts,
            max_visits=MAX_VISITS,
        )

    def _block(self, block: Block) -> BlockView:
        source = Source(self._variables, self._children, self._package, self._schemas, self._imports)
        steps = tuple(self._step(step, source, last=step is block.steps[-1]) for step in block.steps)
        count = len(block.steps)
        docstring = f"From {comment(block.name)}: {count} node{'s' if count > 1 else ''}."
        return BlockView(self._functions[block.name], quoted_docstring(docstring), steps)

    def _step(self, step: Step, source: Source, *, last: bool) -> StepView:
        variable = self._variables[step.node]
        value = ("await " if step.awaits else "") + source.write(step.value)
        before, source.before = tuple(source.before), []
        target = f"{variable}, branch" if step.labelled else variable
        if step.end in {"fail", "pause"}:
            target, value = "", ""
        elif step.kept and step.labelled:
            target = f"run.outputs[{literal(step.node)}], branch = {variable}, branch"
        elif step.kept:
            target = f"{variable} = run.outputs[{literal(step.node)}]"
        attempt = self._retried(step) if step.retry else ""
        return StepView(
            comment=comment(f"{self._program.file}:{step.line} · {step.node} ({step.kind})"),
            constant=self._constants[step.node],
            target=target,
            value=value,
            before=before,
            attempt=attempt,
            result="tuple[Json, str | None]" if step.labelled else "Json",
            retry=self._retry_names.get(step.node, ""),
            branch="branch" if step.labelled else "None",
            output="None" if step.end in {"fail", "pause"} else variable,
            exits=tuple(self._exits(step, variable, source)) if last else (),
            pauses=step.end == "pause",
        )

    def _retried(self, step: Step) -> str:
        assert step.retry is not None
        module = RETRY_AWAITED if self._awaits else RETRY
        self._imports |= {(module, "Retry"), (module, "attempt")}
        retry = step.retry
        arguments = (
            f"{retry.max_attempts}, {retry.backoff_ms}, transient={retry.transient}, jitter={retry.jitter!r}"
        )
        self._retries.append(RetryView(self._retry_names[step.node], arguments))
        return self._attempts[step.node]

    def _exits(self, step: Step, variable: str, source: Source) -> Iterator[ExitView]:
        if step.end == "pause":
            yield self._pause(step, source)
            return
        if step.end == "fail":
            yield ExitView(None, (f"return run.fail({literal(step.reason)})",))
            return
        if step.end == "terminate":
            yield ExitView(None, ("return run.complete(None, dead_end=False)",))
            return
        tested, last = step.exits, ExitView(None, (f"return run.complete({variable})",))
        if step.covered:
            tested, last = step.exits[:-1], ExitView(None, self._choice(step.exits[-1][1], variable))
        for label, choice in tested:
            if step.labelled:
                test = "branch is None" if label is None else f"branch == {literal(label)}"
                yield ExitView(test, self._choice(choice, variable))
            else:
                yield ExitView(None, self._choice(choice, variable))
                return
        yield last

    def _pause(self, step: Step, source: Source) -> ExitView:
        """The run stops here, and remembers by id which node comes next."""
        self._imports.add((PAUSE, "pause"))
        assert isinstance(step.value, Record)
        told = "".join(f", {name}={source.write(value)}" for name, value in step.value.items)

        def stop(target: str) -> str:
            return f"pause(run, {target}{told})"

        choice = step.exits[0][1] if step.exits else Choice((), ())
        if not choice.loops and not choice.targets:
            return ExitView(None, (f"return {stop('None')}",))
        return ExitView(None, self._ways(choice, literal, stop, f"return {stop('None')}"))

    def _choice(self, choice: Choice, variable: str) -> tuple[str, ...]:
        return self._ways(choice, self._functions.__getitem__, str, f"return run.complete({variable})")

    def _ways(
        self, choice: Choice, name: Callable[[str], str], go: Callable[[str], str], dead_end: str
    ) -> tuple[str, ...]:
        """Lines that pick an edge. `name`: source of a target; `go`: what is returned for it."""
        targets = [name(target) for target in choice.targets]
        if not choice.loops and len(targets) == 1:
            return (f"return {go(targets[0])}",)
        if not choice.loops:
            self._imports.add((EDGES, "ambiguous"))
            return (f"return ambiguous(run, {len(targets)})",)
        if len(choice.loops) == 1 and len(targets) < 2:
            last = f"return {go(targets[0])}" if targets else dead_end
            loop = choice.loops[0]
            return (*_loop(loop, go(name(loop.target))), last)
        self._imports.add((EDGES, "pick"))
        return (*_pick(choice.loops, targets, name), f"    return {go('chosen')}", dead_end)


def _loop(loop: LoopEdge, target: str) -> tuple[str, ...]:
    return (
        f"if run.loops[{loop.number}] < {loop.limit}:",
        f"    run.loops[{loop.number}] += 1",
        f"    return {target}",
    )


def _pick(loops: Sequence[LoopEdge], targets: Sequence[str], name: Callable[[str], str]) -> tuple[str, ...]:
    some = "".join(f"({loop.number}, {loop.limit}, {name(loop.target)})," for loop in loops)
    plain = "".join(f"{target}," for target in targets)
    return (f"chosen = pick(run, ({some}), ({plain}))", "if chosen is not None:")


def _called(program: Program) -> set[str]:
    """Modules of everything of the runtime that the program names."""
    expressions: list[Expr] = [step.value for block in program.blocks for step in block.steps]
    names = [
        part.function if isinstance(part, Call) else part.name
        for expression in expressions
        for part in parts(expression)
        if isinstance(part, Call | Named)
    ]
    return {name.partition(":")[0] for name in names}


def _child_keys(program: Program) -> set[str]:
    """Keys of the children that the program runs."""
    return {
        part.file
        for block in program.blocks
        for step in block.steps
        for part in parts(step.value)
        if isinstance(part, ChildProgram)
    }
