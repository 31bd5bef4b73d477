"""The one table of diagnostic codes: number, slug, title.

Blocks by stage: 01 syntax, 02 shape, 03 names and graph, 04 types, 05 policy, 06 signature, 07 link,
08 freeze, 09 internal, 10 command line and files, 11 tests. Numbers are never reused. A slug names the pattern found;
where agentd has a code string, that string is the slug. Meaning and examples: `explain/<slug>.md`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A diagnostic code: `ADC0302`, `unknown_node_kind`, and a title of a few words."""

    number: str
    slug: str
    title: str


_TABLE: tuple[tuple[int, str, str], ...] = (
    # 01 syntax
    (101, "toml_syntax", "the file is not TOML 1.0"),
    (102, "not_utf8", "the file is not UTF-8"),
    # 02 shape
    (201, "missing_key", "a required key is missing"),
    (202, "unknown_key", "a key that the dialect does not have"),
    (203, "wrong_type", "a value of the wrong type"),
    (204, "out_of_range", "a number outside the range of its key"),
    (205, "unknown_value", "a value that is not one of the choices"),
    (206, "workflow_count", "not exactly one [[workflows]] entry"),
    (207, "ignored_root_key", "a root key that is ignored beside [[workflows]]"),
    (208, "ignored_field", "a field that the node kind ignores"),
    (209, "blank_name", "the workflow has no name"),
    (210, "constraint", "a value that breaks a rule of its section"),
    (211, "extension", "something that agentd does not have"),
    # 03 names and graph
    (301, "dup_node_id", "a node id occurs twice"),
    (302, "unknown_node_kind", "no node kind has this name"),
    (303, "dup_start_name", "a start node name occurs twice"),
    (304, "dup_http_route", "a route occurs twice"),
    (305, "unknown_http_start_node", "a route starts at an unknown start node"),
    (306, "unknown_trigger_start_node", "a trigger starts at an unknown start node"),
    (307, "unknown_start_entry_node", "a start node enters at an unknown node"),
    (308, "dangling_edge", "an edge ends at an unknown node"),
    (309, "unknown_mcp_server", "a node names an undeclared MCP server"),
    (310, "ambiguous_mcp_server", "a node must say which MCP server it means"),
    (311, "agent_loop_steps_out_of_range", "max_steps outside 1…64"),
    (312, "agent_loop_missing_instructions", "an agent loop without a task"),
    (313, "agent_loop_no_tools", "an agent loop without tools"),
    (314, "agent_loop_unknown_tool", "a tool that the loop catalog does not have"),
    (315, "respond_status_out_of_range", "an HTTP status outside 100…599"),
    (316, "respond_empty_content_type", "a blank content type"),
    (317, "map_zero_max_items", "a map over at most zero items"),
    (318, "map_zero_concurrency", "a map with no concurrency"),
    (319, "map_empty_workflow", "a map without a child workflow"),
    (320, "http_header_bad_name", "not an HTTP header name"),
    (321, "http_header_crlf", "a line break in an HTTP header"),
    (322, "http_header_bad_placeholder", "a broken placeholder in an HTTP header"),
    (323, "cycle", "the graph has a cycle without a loop edge"),
    (324, "ambiguous_start_entry", "where the run begins is not determined"),
    (325, "unreachable_node", "no start reaches the node"),
    (326, "bad_schedule", "a schedule that cannot be read"),
    (327, "bad_fs_event", "an unknown file event"),
    (328, "trigger_never_fires", "a trigger that never fires"),
    (329, "unaddressable_id", "a node id that no path can name"),
    (330, "reserved_id", "a node id that hides the trigger"),
    (331, "retry_ignored", "a retry that has no effect"),
    (332, "loop_edge_zero", "a loop edge that is never followed"),
    (333, "ambiguous_edges", "two edges that apply at once"),
    (334, "dead_when", "an edge label that its node never gives"),
    (335, "condition_one_sided", "a condition with one edge"),
    (336, "unhandled_error_branch", "an error branch that nothing handles"),
    (337, "no_start_node", "a workflow that can never run"),
    (338, "unknown_backend", "a model backend that is not declared"),
    (339, "http_header_reserved", "an HTTP header that the client sets itself"),
    (340, "child_unreadable", "a child workflow that cannot be read"),
    (341, "child_invalid", "a child workflow that cannot be used"),
    (342, "child_recursion", "a workflow that runs itself"),
    (343, "secret_cycle", "a secret that needs its own value"),
    (344, "undeclared_secret", "a secret that no entry declares"),
    (345, "schema_unreadable", "a schema file that cannot be read"),
    (346, "schema_invalid", "a file that is no JSON Schema"),
    (347, "schema_ignored", "a schema that names no file"),
    (348, "route_shadowed", "a route that a built-in endpoint hides"),
    (349, "bad_auth_reference", "an auth reference that cannot be read"),
    (350, "unknown_auth_binding", "a route names a binding that is not declared"),
    (351, "mtls_without_client_auth", "a route asks for a certificate that the server never asks for"),
    (352, "binding_accepts_nobody", "a binding that no caller can satisfy"),
    (353, "bad_jwks", "keys of a token issuer that cannot be used"),
    (354, "bad_credential", "a credential without a colon"),
    (355, "websocket_method", "a WebSocket on a route that is not for GET"),
    (356, "http2_without_tls", "HTTP/2 without TLS"),
    (357, "websocket_key", "an idempotency key on a route of WebSockets"),
    (358, "pause_in_child", "a child workflow that waits for somebody"),
    (359, "route_never_matched", "a route that no request matches"),
    (360, "shared_idempotency_key", "an idempotency key that says nothing about the caller"),
    (361, "switch_label_missing", "a value of a switch that no edge takes"),
    (362, "end_without_value", "an end without a value beside one with"),
    (363, "relative_command", "a command that is no absolute path"),
    (364, "bad_url", "a URL that cannot be requested"),
    (365, "nested_too_deep", "a child too many levels down"),
    (366, "unlocked_mcp_server", "a server that agentdc.lock says nothing about"),
    (367, "mcp_lock_invalid", "a lock file that cannot be used"),
    (368, "unknown_offered_start", "a start node that is offered and not there"),
    (369, "bad_tool_name", "a start node whose name no tool can have"),
    (370, "state_files_backend", "state kept in files"),
    (371, "state_setting_idle", "a setting of the state store that changes nothing"),
    (372, "state_small_reserve", "a reserve that is too small to help"),
    (390, "unknown_log_level", "a log level that is none"),
    (391, "default_audit_file", "an audit log in the default file"),
    (392, "bad_certificate", "a file of certificates that cannot be used"),
    # 04 types
    (401, "unknown_path_head", "a path that begins with no node's id"),
    (402, "path_not_upstream", "a path to a node that cannot have run"),
    (403, "unknown_output_key", "a path to a key that the node never gives"),
    (404, "type_mismatch", "a value that its consumer never accepts"),
    (405, "maybe_unset", "a path to a node that runs on some routes only"),
    (406, "maybe_missing", "a path to a key that data may lack"),
    (407, "maybe_mismatch", "a value that its consumer may not accept"),
    (408, "unfilled_placeholder", "a placeholder that stays as it is"),
    (409, "undecided_path", "a path of which nothing is known"),
    (410, "value_mismatch", "a value that its consumer never accepts, though its kind is right"),
    (411, "expression_path", "a path that looks like an expression"),
    (450, "tool_arguments_rejected", "arguments that a tool never accepts"),
    (451, "tool_arguments_doubtful", "arguments that a tool may not accept"),
    (452, "unknown_mcp_tool", "a tool that the locked server does not have"),
    (453, "no_mcp_server", "a node that asks an MCP server, and none is declared"),
    # 05 policy
    (501, "policy_absent", "side effects without a policy"),
    (502, "policy_inner_star", "a star that is a literal character"),
    (503, "policy_name_double_star", "a name pattern that ends in two stars"),
    (504, "policy_open_host", "a URL pattern that leaves the host open"),
    (505, "policy_relative_path", "a path pattern that depends on the working directory"),
    (506, "budget_memory_low", "a memory limit near what the app itself takes"),
    (507, "budget_zero", "a limit of 0, which limits nothing"),
    (508, "literal_secret", "a secret in plain text"),
    (509, "policy_denied", "an effect that the policy certainly denies"),
    (510, "policy_may_deny", "an effect that the policy may deny"),
    (511, "unused_grant", "a grant that nothing needs"),
    (512, "wide_grant", "a grant of everything, where less would be enough"),
    (513, "ceiling_exceeded", "more than [check] lets a run use up"),
    (514, "private_flow", "a private value that leaves the app"),
    (515, "untrusted_subject", "untrusted data that decides what is touched"),
    (516, "exposed_model", "private data, untrusted content and a way out, on one route"),
    (517, "undecided_effect", "an effect that is decided at run time"),
    (518, "unbounded_ceiling", "use of something that nothing bounds"),
    # 06 signature
    (601, "signature_missing", "a signature is required and there is none"),
    (602, "signature_malformed", "the signature file is not a signature"),
    (603, "signature_key_malformed", "the public key cannot be used"),
    (604, "signature_unsupported", "an unknown signature algorithm"),
    (605, "signature_mismatch", "the signature does not fit the file"),
    (606, "signature_no_pin", "the key comes from the signed file itself"),
    (607, "signature_bypassed", "a signing block, and no signature"),
    (608, "signing_not_declared", "a signature is required of a file that declares no key"),
    (690, "file_not_signed", "a file that the signature does not cover"),
    # 07 link
    (701, "unsupported_feature", "a part of the dialect that this version cannot build"),
    (702, "not_pure_python", "an output format that needs pure Python"),
    # 08 freeze
    (801, "freeze_no_shared_python", "this Python has no shared library"),
    (802, "freeze_no_binutils", "a program that freezing needs is missing"),
    (803, "freeze_failed", "freezing failed"),
    (804, "freeze_does_not_start", "the built binary does not start"),
    # 09 internal
    (901, "internal", "a mistake of the compiler"),
    # 10 command line and files
    (1001, "unreadable_file", "a file cannot be read"),
    (1002, "output_exists", "the output exists and is something else"),
    (1003, "output_unwritable", "the output cannot be written"),
    (1004, "unknown_code", "no diagnostic has this code"),
    (1030, "mock_address", "an address that the scripted model cannot listen on"),
    (1031, "plan_failed", "a task that became no workflow"),
    (1050, "mcp_server_unavailable", "an MCP server that cannot be asked"),
    # 11 tests
    (1101, "fixture_invalid", "a fixture that cannot be used"),
    (1102, "scenario_invalid", "a scenario that cannot be used"),
    (1103, "impossible_mock", "a mock that no node could ever give"),
    (1104, "unused_mock", "more mocks than a run can use"),
    (1105, "impossible_expectation", "an expectation that no run can meet"),
    (1106, "baseline_invalid", "a baseline that cannot be used"),
    (1130, "mock_script_invalid", "a script of a mock model that cannot be used"),
    (1131, "cassette_invalid", "recorded answers of models that cannot be used"),
)

CODES: dict[str, Code] = {slug: Code(f"ADC{n:04d}", slug, title) for n, slug, title in _TABLE}


def code(slug: str) -> Code:
    """The code with this slug; an unknown slug is a mistake of ours (KeyError)."""
    return CODES[slug]


def find(text: str) -> Code | None:
    """The code that a person means by number (any case) or slug."""
    if text in CODES:
        return CODES[text]
    return next((each for each in CODES.values() if each.number == text.upper()), None)
