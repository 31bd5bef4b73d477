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
)
VERSION = len(MIGRATIONS)
