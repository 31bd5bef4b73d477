"""The tables of a state database, and how older ones become new (spec 04 §4.2). Imports nothing.

Migrations only go forward. Each is the statements that lead from the version before; a released one never changes.
"""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE idempotency (
            scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
            status INTEGER, content_type TEXT, body BLOB, run_id TEXT, owner TEXT NOT NULL,
            created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
            PRIMARY KEY (scope, key)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX idempotency_expires ON idempotency (expires_at)",
    ),
    (
        """CREATE TABLE runs (
            run_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, build_id TEXT NOT NULL, start_node TEXT NOT NULL,
            trigger_kind TEXT NOT NULL, trigger_input TEXT NOT NULL, status TEXT NOT NULL, last_node TEXT,
            started_at INTEGER NOT NULL, ended_at INTEGER, outcome TEXT, error TEXT, cost TEXT) STRICT""",
        "CREATE INDEX runs_by_time ON runs (started_at)",
        """CREATE TABLE run_nodes (
            run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
            node_id TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, branch TEXT, output TEXT,
            elapsed_ms INTEGER NOT NULL, PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE checkpoints (
            run_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, start_node TEXT NOT NULL, trigger_kind TEXT NOT NULL,
            trigger_input TEXT NOT NULL, node_outputs TEXT NOT NULL, paused_at TEXT NOT NULL, resume_node TEXT,
            reason TEXT, awaiting_approval INTEGER NOT NULL, created_at INTEGER NOT NULL,
            program TEXT, loop_counts TEXT, http_response TEXT, expires_at INTEGER, extra TEXT) STRICT""",
        """CREATE TABLE approvals (
            run_id TEXT NOT NULL, node_id TEXT NOT NULL, asked_at INTEGER NOT NULL, decision TEXT NOT NULL,
            decided_by TEXT NOT NULL, note TEXT, decided_at INTEGER NOT NULL,
            PRIMARY KEY (run_id, node_id, asked_at)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE leases (
            run_id TEXT PRIMARY KEY, owner TEXT NOT NULL, beat INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    ),
)
VERSION = len(MIGRATIONS)
