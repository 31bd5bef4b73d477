"""`llm_infer` (spec 01 §5.8, spec 03 §6.6): one question to a model, with repairs when the answer is rejected.

Links the conversation's records; who is asked, and how, is the process's business.
"""

from __future__ import annotations

from agentdc_runtime.errors import SchemaError
from agentdc_runtime.models.message import Request
from agentdc_runtime.observe.log import WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.models.answer import Answer
    from agentdc_runtime.models.message import Message, Reply
    from agentdc_runtime.values import Json

_TOOL = "llm_infer"
_ASK = "The answer was rejected: {}\nAnswer again with the corrected output only, nothing before or after it."
_TOLD = 4000  # characters of a reason that the model is told


async def run(
    run: Run,
    *,
    backend: str,
    prompt: Callable[[], str],
    answer: Answer | None = None,
    repairs: int = 0,
    max_tokens: int | None = None,
    temperature: float | None = None,
) -> Json:
    """`{"content", "parsed", "stop_reason", "usage"}` of the last answer.

    `answer`: what it must be, None for any text. `repairs`: further questions after one that is rejected.
    """
    models = run.process.models
    assert models is not None
    model = models.find(backend)
    if run.dry_run:
        return {"content": "<dry-run>", "dry_run": True, "parsed": None}
    messages: list[Message] = [{"role": "user", "content": prompt()}]
    request = Request(
        messages,
        max_tokens=max_tokens,
        temperature=temperature,
        schema=None if answer is None else answer.document,
    )
    made, reason = 0, ""
    while made <= repairs:
        if run.process.budget is not None:
            run.process.budget.check_tokens(_TOOL, in_run=run.root.tokens)
        reply = await models.ask(run, model, request)
        made += 1
        parsed, rejected = (None, None) if answer is None else answer.judged(reply)
        if rejected is None:
            return _output(reply, parsed)
        reason = rejected
        if made <= repairs:
            if run.journal is not None:
                run.journal.event(
                    WARN, "llm_infer.repair", {"node": run.last_node, "attempt": made, "reason": reason}
                )
            messages += [reply.message(), {"role": "user", "content": _ASK.format(reason[:_TOLD])}]
    raise SchemaError(f"node `{run.last_node}`, {made} attempt{'s' if made > 1 else ''}: {reason}")


def _output(reply: Reply, parsed: Json) -> Json:
    return {
        "content": reply.content,
        "parsed": parsed,
        "stop_reason": reply.stop,
        "usage": {"completion_tokens": reply.completion, "prompt_tokens": reply.prompt},
    }
