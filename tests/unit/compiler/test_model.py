"""The records of the model: defaults, strictness, what importing them costs, and the JSON Schema made from them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any, Literal

import jsonschema  # type: ignore[import-untyped]  # ships no type information
import pytest
import tomli
from pydantic import ConfigDict, ValidationError

from agentdc.model import (
    auth,
    budget,
    extensions,
    policy,
    sandbox,
    secrets,
    server,
    signing,
    supervision,
    trigger,
)
from agentdc.model import logging as logs
from agentdc.model.base import FORMS, Many, Section
from agentdc.model.node import NodeModel, Retry
from agentdc.model.schema import json_schema
from agentdc.model.workflow import Edge, Workflow


class Branch(Section):
    """One child."""

    workflow: str


class Parallel(NodeModel):
    """Several at once."""

    type: Literal["parallel"]
    branches: Many[Branch]


class Template(NodeModel):
    """A text with holes."""

    type: Literal["template_render"]
    template: str
    input_from: str | None = None


class Merge(NodeModel):
    """A point where routes meet."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["merge"]


KINDS: dict[str, type[NodeModel]] = {"template_render": Template, "parallel": Parallel, "merge": Merge}


# --- defaults, as the tables of the dialect give them -----------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "given", "expected"),
    [
        (Retry, {"max_attempts": 1}, {"backoff_ms": 100, "on": "any", "jitter": 0.0}),
        (Edge, {"from": "a", "to": "b"}, {"when": None, "max_iterations": None}),
        (trigger.FsWatch, {"type": "fs_watch", "start_node": "s", "path": "p"},
         {"recursive": False, "events": (), "debounce_ms": 250}),
        (server.HttpRoute, {"method": "GET", "path": "/", "start_node": "s"},
         {"input_schema": None, "auth": None, "rate_limit": None, "idempotency_key": None,
          "idempotency_ttl_secs": 86400}),
        (auth.Hmac, {}, {"header": "X-Agent-Signature", "prefix": "sha256=", "encoding": "hex"}),
        (auth.Oidc, {"issuer": "i"}, {"clock_skew_secs": 60, "algorithms": ("RS256",), "audience": ()}),
        (policy.RegoPolicy, {}, {"inline": None, "file": None, "data": None, "query": "data.agent.allow"}),
        (secrets.FileSecret, {"name": "n", "source": "file", "path": "p"}, {"trim": True}),
        (secrets.Oauth2Secret,
         {"name": "n", "source": "oauth2", "token_url": "u", "client_id_env": "i", "client_secret_env": "s"},
         {"scopes": (), "extra_params": {}, "auth_style": "body", "skew_secs": 60}),
        (signing.Signing, {}, {"required": False, "algorithm": "ed25519"}),
        (budget.Budget, {}, {"max_memory_mb": None, "max_llm_tokens": None, "hard_deadline": False}),
        (logs.Logging, {}, {"level": "warn", "format": "text", "target": "stderr", "enabled": True,
                            "rotation": "never", "audit": None, "otel": None}),
        (logs.Audit, {},
         {"target": "file:/var/log/agent/audit.jsonl", "redact_fields": (), "include_reason": False}),
        (logs.Otel, {"endpoint": "e"}, {"service_name": "agentd", "protocol": "grpc", "sample_ratio": 1.0}),
        (supervision.McpServer, {"name": "n", "command": ["x"]},
         {"allow_tools": (), "allow_resources": (), "env": {}}),
        (supervision.Supervisor, {},
         {"max_restarts": 5, "base_delay_ms": 1000, "max_delay_ms": 30000, "stability_window_secs": 300,
          "jitter": 0.0, "lenient_start": False, "start_timeout_secs": 10, "stop_timeout_secs": 5,
          "call_wait_secs": 10, "ping_interval_secs": 0, "intensity": 0, "period_secs": 60, "escalate": "none"}),
        (supervision.Sidecar, {"name": "n", "command": ["x"]},
         {"env_pass": ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"), "restart": "always", "ready": "spawn",
          "required": True, "autostart": True, "cwd": None}),
        (sandbox.Sandbox, {},
         {"mode": "best_effort", "min_abi": 3, "defaults": True, "tmp": "shared", "bus_access": False, "self_": "off",
          "net_connect": None, "net_bind": None, "scope": (), "seccomp": "off", "missing_path": "skip"}),
        (extensions.State, {},
         {"backend": "sqlite", "checkpoint_interval_secs": 300, "busy_timeout_ms": 5000, "durability": "full",
          "wal_warn_mb": 64, "wal_max_mb": 256, "reserve_mb": 8, "retention_days": 30, "max_runs": 10000,
          "max_event_rows": 100000, "allow_network_fs": False, "backup_dir": None, "backup_interval_secs": 0}),
        (extensions.Bus, {},
         {"group": "default", "role": "project", "tier": None, "channels": (), "offline_policy": "dead_letter",
          "stale_after_secs": 300, "ack_wait_secs": 30, "max_deliver": 5, "redeliver_backoff_secs": (1, 5, 30, 120),
          "default_ttl_secs": 86400, "max_message_bytes": 262144, "max_queue": 10000,
          "dead_letter_retention_days": 30, "redrive_on_return": False}),
        (extensions.Health, {},
         {"heartbeat_interval_secs": 15, "late_after_secs": 45, "stale_after_secs": 300, "stall_threshold_min": 15,
          "tick_secs": 5, "on_stall": "notify", "context_tokens": None}),
        (extensions.Relay, {}, {"port": 9750, "insecure": False, "max_clients": 32, "embedded": False}),
        (extensions.Check, {}, {"allow": (), "max_model_calls": None}),
    ],
)  # fmt: skip
def test_defaults(record: type[Section], given: dict[str, Any], expected: dict[str, Any]) -> None:
    filled = record.model_validate(given)
    assert {key: getattr(filled, key) for key in expected} == expected


def test_an_empty_policy_lists_nothing() -> None:
    empty = policy.Policy()
    assert (
        empty.fs.read
        == empty.http.urls
        == empty.shell.commands
        == empty.env.read_keys
        == empty.mcp.tools
        == ()
    )


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError):
        budget.Budget().max_cpu_secs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("record", "given"),
    [
        (budget.Budget, {"max_cpu_secs": True}),
        (budget.Budget, {"max_cpu_secs": 1.0}),
        (budget.Budget, {"max_cpu_secs": "1"}),
        (budget.Budget, {"hard_deadline": 1}),
        (server.RateLimit, {"capacity": 1, "per_second": True}),
        (server.RateLimit, {"capacity": 1, "per_second": "1"}),
        (logs.Logging, {"level": 3}),
        (policy.FsPolicy, {"read": "/x"}),
        (policy.FsPolicy, {"read": {"a": 1}}),
        (policy.FsPolicy, {"read": [1]}),
        (auth.Auth, {"bearer": [1]}),
        (auth.Auth, {"mtls": {}}),
    ],
)
def test_nothing_is_coerced(record: type[Section], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        record.model_validate(given)


@pytest.mark.parametrize(
    "ready", ["spawn", "mcp", "tcp:[::1]:80", "unix:/run/x.sock", "http:http://h/", "stdout:up"]
)
def test_ready_forms(ready: str) -> None:
    assert supervision.Sidecar(name="a", command=("x",), ready=ready).ready == ready


@pytest.mark.parametrize("target", ["stderr", "StdOut", "file:a", "file: b c "])
def test_log_targets(target: str) -> None:
    assert logs.Logging(target=target).target == target


@pytest.mark.parametrize("target", ["", "stderr ", "file", "file:", "syslog", "/var/log/x"])
def test_log_targets_that_are_none(target: str) -> None:
    with pytest.raises(ValidationError):
        logs.Logging(target=target)


def test_forms_of_text_have_words() -> None:
    for pattern, words in FORMS.items():
        re.compile(pattern)
        assert words.startswith("must ")


def test_a_sidecar_lays_its_keys_over_the_supervisor() -> None:
    base = supervision.Supervisor(max_restarts=9, jitter=0.25)
    own = supervision.Sidecar.model_validate({"name": "a", "command": ["x"], "max_restarts": 0})
    effective = own.over(base)
    assert (effective.max_restarts, effective.jitter, effective.base_delay_ms) == (0, 0.25, 1000)
    assert type(effective) is supervision.Supervisor


def test_importing_the_model_builds_and_imports_little() -> None:
    program = (
        "import sys, agentdc.model.workflow as w;"
        "print(*sorted(set(sys.modules) & {'tree_sitter', 'tomli', 'agentdc.model.schema', 'rich', 'asyncio'}));"
        "print(w.Workflow.__pydantic_complete__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


# --- the schema for editors -------------------------------------------------------------------------------------

MINIMAL = """
name = "ping"
[[start_nodes]]
name = "go"
source = "manual"
[[nodes]]
id = "say"
type = "template_render"
template = "pong"
"""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema(KINDS)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


VALID = {
    "only a name": 'name = "x"',
    "minimal": MINIMAL,
    "wrapped": "[[workflows]]" + MINIMAL.replace("[[", "[[workflows."),
    "wrapped beside others": "[other]\n[[workflows]]\nname = 'x'",
    "edges": MINIMAL + '[[edges]]\nfrom = "say"\nto = "say"\nmax_iterations = 1\n',
    "extra keys of merge": MINIMAL + '[[nodes]]\nid = "m"\ntype = "merge"\ncolour = 1\n',
    "a whole number": MINIMAL + '[logging.otel]\nendpoint = "e"\nsample_ratio = 1\n',
    "triggers": MINIMAL + '[[triggers]]\ntype = "interval"\nstart_node = "go"\nevery = "5m"\n',
    "self": MINIMAL + '[sandbox]\nself = "policy"\n[policy]\n',
    "named tables": MINIMAL + '[auth.bearer.desk]\ntokens_env = "T"\n',
}

INVALID = {
    "empty": "",
    "misspelt root key": MINIMAL.replace("start_nodes", "start_node"),
    "misspelt node key": MINIMAL.replace("template =", "tempalte ="),
    "unknown kind": MINIMAL.replace("template_render", "template_rendr"),
    "key of another kind": MINIMAL + "branches = []\n",
    "wrong type": MINIMAL.replace('"pong"', "3"),
    "no type": MINIMAL.replace('type = "template_render"\n', ""),
    "bad choice": MINIMAL.replace('"manual"', '"by hand"'),
    "missing from": MINIMAL + '[[edges]]\nto = "say"\n',
    "python name of a key": MINIMAL + '[[edges]]\nfrom_ = "say"\nto = "say"\n',
    "out of range": MINIMAL + "[relay]\nport = 70000\n",
    "no workflow": "workflows = []",
    "two workflows": "[[workflows]]\nname = 'a'\n[[workflows]]\nname = 'b'",
    "misspelt key inside": "[[workflows]]\nnmae = 'x'",
    "ignored safeguard": "[policy]\n[[workflows]]\nname = 'x'",
    "unknown source": MINIMAL + '[[secrets]]\nname = "k"\nsource = "vault"\n',
    "literal secret": MINIMAL + '[[secrets]]\nname = "k"\nsource = "env"\nvar = "V"\nvalue = "x"\n',
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_the_schema_accepts(text: str, validator: jsonschema.Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(tomli.loads(text))] == []


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_the_schema_refuses(text: str, validator: jsonschema.Draft202012Validator) -> None:
    assert not validator.is_valid(tomli.loads(text))


def test_the_schema_describes_the_kinds() -> None:
    definitions = json_schema(KINDS)["$defs"]
    assert definitions["node:parallel"]["description"] == "Several at once."
    assert definitions["Node"]["properties"]["type"]["enum"] == ["merge", "parallel", "template_render"]
    assert definitions["node:template_render"]["additionalProperties"] is False
    assert {definition["title"] for definition in definitions.values()} >= {"Workflow", "parallel", "Policy"}


def test_the_schema_is_sorted_and_knows_no_null() -> None:
    text = json.dumps(json_schema(KINDS))
    assert text == json.dumps(json_schema(KINDS), sort_keys=True)
    assert "null" not in text


def test_the_schema_does_not_depend_on_order_or_hash_seed() -> None:
    turned = dict(reversed(KINDS.items()))
    assert json.dumps(json_schema(turned)) == json.dumps(json_schema(KINDS))
    program = "import json; from agentdc.model.schema import json_schema; print(json.dumps(json_schema({})))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_every_table_of_the_schema_is_closed() -> None:
    definitions = json_schema(KINDS)["$defs"]
    open_tables = [
        name
        for name, schema in definitions.items()
        if "properties" in schema and schema.get("additionalProperties") is not False
    ]
    assert sorted(open_tables) == ["Node", "node:merge"]


def test_every_record_says_what_it_is() -> None:
    definitions = json_schema(KINDS)["$defs"]
    assert [name for name, schema in definitions.items() if not schema.get("description")] == []
    assert Workflow.model_fields["policy"].description
