-- A database of schema 1, with an answer that has not expired.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE idempotency (
            scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
            status INTEGER, content_type TEXT, body BLOB, run_id TEXT, owner TEXT NOT NULL,
            created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
            PRIMARY KEY (scope, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires_at);
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO idempotency VALUES ('POST|/once', 'kept',
    '79f076abdd19a752db7267bfff2f9022161d120dea919fdaca2ffdfc24ca8c96', 'done',
    201, 'text/plain', x'6173206974207761730a', NULL, 'gone/1/1', 1, 9000000000000);
