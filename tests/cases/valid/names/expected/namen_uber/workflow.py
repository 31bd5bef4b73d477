"""Namen & 名前: \"über\": 15 nodes in 1 block.

Compiled from workflow.toml (SHA-256 58f3afff5aec403708e6db07f652be0235a4f4d9334bb0d6acef3121f4031c7a)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import parse_json
from agentdc_runtime.values import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

CLASS_ = Node("class", "template_render", FILE, 9)
PRINT_ = Node("print", "template_render", FILE, 14)
RUN = Node("run", "template_render", FILE, 20)
PARSE_JSON = Node("parse_json", "parse_json", FILE, 26)
PARSE_JSON_2 = Node("Parse JSON!", "merge", FILE, 31)
NAIVE_CAFE = Node("naïve café", "template_render", FILE, 35)
NODE = Node("日本語", "template_render", FILE, 41)
N_9_LIVES = Node("9 lives", "merge", FILE, 47)
WITH_DOT = Node("with.dot", "merge", FILE, 51)
NODE_2 = Node("", "merge", FILE, 55)
QUOTES_AND_A_LINE_BREAK = Node('quotes "\'""" and a\nline break \\ \u202e', "merge", FILE, 59)
A_VERY_LONG_ID_THAT_SAYS_EVERYTHING_THER = Node(
    "a very long id that says everything there is to say about the node, and then says it all again",
    "merge",
    FILE,
    63,
)
FROM_CLASS = Node("from_class", "merge", FILE, 67)
ABI_2 = Node("ABI", "merge", FILE, 71)
LAST = Node("last", "template_render", FILE, 75)


def from_class(run: Run) -> Next:
    """From class: 15 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:9 · class (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = CLASS_
    class_ = {"rendered": "a keyword"}
    then, now = now, clock()
    trace.append((CLASS_, None, class_, now - then))

    # workflow.toml:14 · print (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = PRINT_
    print_ = {"rendered": (class_["rendered"] + ", a built-in")}
    then, now = now, clock()
    trace.append((PRINT_, None, print_, now - then))

    # workflow.toml:20 · run (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = RUN
    run_2 = {"rendered": (print_["rendered"] + ", a name of the template")}
    then, now = now, clock()
    trace.append((RUN, None, run_2, now - then))

    # workflow.toml:26 · parse_json (parse_json)
    if now >= run.deadline:
        return run.overdue()
    run.node = PARSE_JSON
    parse_json_2 = parse_json.run(
        text=need(run.outputs["trigger"], ("text",), "parse_json", "trigger.text")
    )
    then, now = now, clock()
    trace.append((PARSE_JSON, None, parse_json_2, now - then))

    # workflow.toml:31 · Parse JSON! (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = PARSE_JSON_2
    parse_json_3 = None
    then, now = now, clock()
    trace.append((PARSE_JSON_2, None, parse_json_3, now - then))

    # workflow.toml:35 · naïve café (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = NAIVE_CAFE
    naive_cafe = {"rendered": (run_2["rendered"] + ", letters with marks")}
    then, now = now, clock()
    trace.append((NAIVE_CAFE, None, naive_cafe, now - then))

    # workflow.toml:41 · 日本語 (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = NODE
    node = {"rendered": (naive_cafe["rendered"] + ", other letters")}
    then, now = now, clock()
    trace.append((NODE, None, node, now - then))

    # workflow.toml:47 · 9 lives (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = N_9_LIVES
    n_9_lives = None
    then, now = now, clock()
    trace.append((N_9_LIVES, None, n_9_lives, now - then))

    # workflow.toml:51 · with.dot (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = WITH_DOT
    with_dot = None
    then, now = now, clock()
    trace.append((WITH_DOT, None, with_dot, now - then))

    # workflow.toml:55 ·  (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = NODE_2
    node_2 = None
    then, now = now, clock()
    trace.append((NODE_2, None, node_2, now - then))

    # workflow.toml:59 · quotes "'""" and a?line break \ ? (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = QUOTES_AND_A_LINE_BREAK
    quotes_and_a_line_break = None
    then, now = now, clock()
    trace.append((QUOTES_AND_A_LINE_BREAK, None, quotes_and_a_line_break, now - then))

    # workflow.toml:63 · a very long id that says everything there is to say about the node, and then say…
    if now >= run.deadline:
        return run.overdue()
    run.node = A_VERY_LONG_ID_THAT_SAYS_EVERYTHING_THER
    a_very_long_id_that_says_everything_ther = None
    then, now = now, clock()
    trace.append(
        (
            A_VERY_LONG_ID_THAT_SAYS_EVERYTHING_THER,
            None,
            a_very_long_id_that_says_everything_ther,
            now - then,
        )
    )

    # workflow.toml:67 · from_class (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = FROM_CLASS
    from_class_2 = None
    then, now = now, clock()
    trace.append((FROM_CLASS, None, from_class_2, now - then))

    # workflow.toml:71 · ABI (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = ABI_2
    abi = None
    then, now = now, clock()
    trace.append((ABI_2, None, abi, now - then))

    # workflow.toml:75 · last (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = LAST
    last = {"rendered": node["rendered"]}
    then, now = now, clock()
    trace.append((LAST, None, last, now - then))
    return run.complete(last)


PROGRAM = Program(
    'Namen & 名前: "über"',
    {
        'start "it"\n': ("manual", from_class),
    },
    0,
)
