"""A file that uses every section decodes; however it is damaged, the answer is a diagnostic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.render.text import render
from agentdc.model.base import Many, Section
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.parse.decode import Decoded, decode


class Branch(Section):
    workflow: str


class Parallel(NodeModel):
    type: Literal["parallel"]
    branches: Many[Branch]


def decoded(text: str) -> Decoded:
    return decode(SourceFile("w.toml", text.encode()), {"parallel": Parallel})


EVERYTHING = """
name = "all"
description = "d"
[[start_nodes]]
name = "go"
source = "http"
entry_node = "n"
[[triggers]]
type = "fs_watch"
start_node = "go"
path = "in"
recursive = true
events = ["create"]
debounce_ms = 0
[[triggers]]
type = "bus.message"
start_node = "go"
[[http_routes]]
method = "POST"
path = "/p"
start_node = "go"
input_schema = "s.json"
auth = "bearer:desk"
idempotency_key = "body_sha256"
idempotency_ttl_secs = 0
[http_routes.rate_limit]
capacity = 40
per_second = 0.5
[[nodes]]
id = "n"
type = "parallel"
branches = [{ workflow = "a" }, { workflow = "b" }]
[nodes.retry]
max_attempts = 3
on = "transient"
jitter = 1
[[edges]]
from = "n"
to = "n"
max_iterations = 2
[policy]
fs.read = ["/a/**"]
fs.write = []
fs.delete = []
fs.list = []
env.read_keys = ["A"]
http.urls = ["https://a/*"]
http.methods = ["GET"]
shell.commands = ["/bin/x"]
mcp = { servers = [], tools = ["t"], resources = [] }
[policy.rego]
inline = "package agent"
query = "data.agent.allow"
data = { base = "u", n = [1, 2.5, true, { x = "y" }] }
[auth.bearer.desk]
tokens_env = "T"
[auth.basic.desk]
credentials = ["a:b"]
[auth.hmac.desk]
secret_env = "S"
header = "X"
prefix = ""
encoding = "base64"
timestamp_header = "X-Time"
tolerance_secs = 5
[auth.oidc.desk]
issuer = "i"
audience = ["a"]
jwks_file = "k"
subject_allowlist = []
clock_skew_secs = 0
algorithms = ["rs256", "ES384"]
[logging]
level = "info"
format = "json"
target = "file: logs/a.log"
enabled = true
rotation = "daily"
[logging.audit]
target = "STDOUT"
redact_fields = ["x"]
include_reason = true
fail_closed = true
[logging.otel]
endpoint = ""
service_name = "s"
protocol = "http/json"
sample_ratio = 1
resource_attrs = { a = "b" }
headers = { a = "{{secret:T}}" }
spool_mb = 1
[server.tls]
cert_file = "c"
key_file = "k"
client_auth = { mode = "required", ca_file = "ca" }
[signing]
required = true
public_key_pem = "p"
public_key_file = "f"
algorithm = "rsa"
[budget]
max_memory_mb = 0
max_cpu_secs = 1
max_run_time_secs = 1
max_fs_write_mb = 1
max_llm_tokens = 9223372036854775807
hard_deadline = true
[[intelligence.backends]]
name = "fast"
provider = "anthropic"
model = "m"
api_key_env = "K"
[[intelligence.backends]]
name = "own"
provider = "openai-compatible"
model = "m"
base_url = "http://x"
max_tokens = 0
[[mcp_servers]]
name = "shop"
command = ["x", ""]
allow_tools = ["*"]
allow_resources = []
env = { A = "T" }
timeout_secs = 3
replay = "idempotent"
supervisor = { max_restarts = 0, env_pass = ["HOME"] }
sandbox = { net_connect = [443] }
[[secrets]]
name = "T"
source = "file"
path = "p"
trim = false
[[secrets]]
name = "C"
source = "command"
argv = ["x"]
[[secrets]]
name = "K"
source = "keyring"
service = "s"
account = "a"
[mcp_serve]
starts = ["go"]
path = "/mcp"
[supervisor]
max_restarts = 100
base_delay_ms = 10
max_delay_ms = 10
jitter = 0.5
escalate = "drain"
[[sidecars]]
name = "indexer"
command = ["/opt/x"]
cwd = "/"
env = { A = "T" }
env_pass = []
restart = "on-failure"
ready = "tcp:localhost:80"
required = false
autostart = false
limits = { memory_mb = 1, nofile = 1, nproc = 1, cpu_secs = 1, fsize_mb = 1 }
sandbox = { read_write_paths = ["/srv"], allow_root = true }
max_restarts = 1
[sandbox]
mode = "required"
min_abi = 4
self = "policy"
read_only_paths = ["~/x", "${HOME}/y", "/z"]
tmp = "private"
scope = ["signal"]
net_bind = []
spawner = true
shell = { net_connect = [443] }
agent = { seccomp = "default", missing_path = "error" }
[state]
backend = "sqlite"
durability = "normal"
backup_dir = "b"
[bus]
role = "admin"
tier = 0
contacts = ["*"]
channels = ["c"]
offline_policy = "hold"
redeliver_backoff_secs = [0]
[health]
on_stall = "cancel"
context_tokens = 1
[relay]
embedded = true
port = 0
tokens = [{ name = "n", sha256 = "DIGEST", role = "observer" }]
[check]
allow = ["dead_when"]
max_model_calls = 1
max_tokens = 1
max_http_requests = 1
max_shell_runs = 1
max_node_visits = 1
max_wall_secs = 1
max_files_written = 1
max_bytes_written = 1
""".replace("DIGEST", "0123456789abcdEF" * 4)


def test_every_section_at_once() -> None:
    result = decoded(EVERYTHING)
    assert not result.diagnostics, render(result.diagnostics)
    given = {key for key in Workflow.model_fields if getattr(result.workflow, key)}
    assert given == set(Workflow.model_fields)


SNIPPETS = [
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    '"',
    "'",
    "\n",
    "#",
    "-",
    "1",
    "1e999",
    "true",
    "\x00",
    "\ufeff",
    "é",
    "[[",
    "]]",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(EVERYTHING)), st.integers(0, 40), st.sampled_from(SNIPPETS)), max_size=3
    )
)
def test_a_damaged_file_is_a_diagnostic(edits: Sequence[tuple[int, int, str]]) -> None:
    text = EVERYTHING
    for start, length, replacement in edits:
        text = text[:start] + replacement + text[start + length :]
    result = decoded(text)
    assert (result.workflow is not None) or any(each.is_error for each in result.diagnostics)
    render(result.diagnostics)


SCALARS = st.sampled_from(
    ["1", "-1", "1.5", "true", "'x'", "''", "[]", "{}", "[1]", "['x']", "[{}]", "1979-05-27", "nan"]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_value_anywhere_is_a_diagnostic(data: st.DataObject) -> None:
    lines = EVERYTHING.splitlines()
    places = [number for number, line in enumerate(lines) if " = " in line]
    for number in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
        key = lines[number].split(" = ")[0]
        lines[number] = f"{key} = {data.draw(SCALARS)}"
    result = decoded("\n".join(lines))
    assert (result.workflow is not None) or any(each.is_error for each in result.diagnostics)
    assert all(
        each.primary is not None and each.primary.span.start <= each.primary.span.end
        for each in result.diagnostics
    )
    render(result.diagnostics)
