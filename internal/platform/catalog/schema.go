package catalog

// migrations brings an older catalog to the present schema: migration i turns
// version i into i+1. A released migration is never edited. INTEGER PRIMARY
// KEY is BIGINT PRIMARY KEY in PostgreSQL; it is written the SQLite way here
// because only that spelling makes the key the row id.
var migrations = []string{`
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL);
CREATE TABLE seq_alloc (name TEXT PRIMARY KEY, next BIGINT NOT NULL);

CREATE TABLE log_groups (
  group_id INTEGER PRIMARY KEY,
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  class TEXT NOT NULL,
  retention_days INT NOT NULL DEFAULT 0,
  protected INT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  deleted_ms BIGINT,
  purged INT NOT NULL DEFAULT 0,
  stored_bytes BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX lg_name ON log_groups(account, region, name) WHERE deleted_ms IS NULL;
CREATE INDEX lg_dead ON log_groups(group_id) WHERE deleted_ms IS NOT NULL AND purged = 0;

CREATE TABLE scopes (account TEXT NOT NULL, region TEXT NOT NULL, n_groups BIGINT NOT NULL, PRIMARY KEY (account, region));

CREATE TABLE log_streams (
  stream_id INTEGER PRIMARY KEY,
  group_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  first_ts BIGINT NOT NULL DEFAULT -1,
  last_ts BIGINT NOT NULL DEFAULT -1,
  last_ingest_ms BIGINT NOT NULL DEFAULT -1
);
CREATE UNIQUE INDEX ls_name ON log_streams(group_id, name);
CREATE INDEX ls_last ON log_streams(group_id, last_ts, name);

CREATE TABLE tags (arn TEXT NOT NULL, k TEXT NOT NULL, v TEXT NOT NULL, PRIMARY KEY (arn, k));

CREATE TABLE segments (
  seg_id TEXT PRIMARY KEY,
  level INT NOT NULL, ret_class INT NOT NULL, day BIGINT NOT NULL,
  group_lo BIGINT NOT NULL, group_hi BIGINT NOT NULL, n_groups BIGINT NOT NULL,
  min_ts BIGINT NOT NULL, max_ts BIGINT NOT NULL,
  n_rows BIGINT NOT NULL, raw_bytes BIGINT NOT NULL, file_bytes BIGINT NOT NULL,
  max_lsn BIGINT NOT NULL, tomb_seq BIGINT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE tombstones (
  tomb_seq INTEGER PRIMARY KEY,
  group_id BIGINT NOT NULL,
  stream_id BIGINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL
);
CREATE INDEX tomb_group ON tombstones(group_id);

CREATE TABLE tasks (
  task_seq INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  account TEXT NOT NULL, region TEXT NOT NULL,
  state TEXT NOT NULL,
  created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
  spec TEXT NOT NULL, progress TEXT NOT NULL
);
CREATE INDEX tk_list ON tasks(kind, account, region, task_seq);
CREATE INDEX tk_state ON tasks(kind, state, task_seq);

CREATE TABLE access_keys (
  key_id TEXT PRIMARY KEY, secret TEXT NOT NULL, account TEXT NOT NULL,
  description TEXT NOT NULL, created_ms BIGINT NOT NULL
);
`, `
CREATE TABLE group_settings (
  group_id BIGINT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, updated_ms BIGINT NOT NULL,
  PRIMARY KEY (group_id, kind)
);

CREATE TABLE schedules (
  schedule_id TEXT PRIMARY KEY,
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL,
  created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
  due_ms BIGINT NOT NULL DEFAULT -1,
  last_ms BIGINT NOT NULL DEFAULT -1, last_run BIGINT NOT NULL DEFAULT 0, last_status TEXT NOT NULL DEFAULT '',
  spec TEXT NOT NULL
);
CREATE UNIQUE INDEX sc_name ON schedules(account, region, name);
CREATE INDEX sc_due ON schedules(due_ms) WHERE due_ms >= 0;

CREATE TABLE schedule_runs (
  run_seq INTEGER PRIMARY KEY,
  schedule_id TEXT NOT NULL,
  triggered_ms BIGINT NOT NULL,
  status TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX sr_list ON schedule_runs(schedule_id, run_seq);
CREATE INDEX sr_time ON schedule_runs(triggered_ms);
CREATE INDEX sr_status ON schedule_runs(status, run_seq);
`, schemaQueries, schemaMonitoring}
