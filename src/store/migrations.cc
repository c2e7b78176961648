#include "store/migrations.h"

#include <array>

#include "base/log.h"

namespace ns {

namespace {

// Step n leads from version n to n + 1. Steps that were released are never changed; times are microseconds since 1970, UTC.
const std::array kSteps = {
    R"sql(
CREATE TABLE tasks(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of submission
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  name TEXT,
  spec TEXT NOT NULL,                     -- the request
  model_path TEXT,
  dataset_path TEXT,
  calibration_path TEXT,
  idempotency_key TEXT UNIQUE,
  submitted INTEGER NOT NULL,
  started INTEGER,                        -- of the first attempt
  ended INTEGER,
  attempt INTEGER NOT NULL DEFAULT 0,     -- attempts started: the fence, only the newest may change the task
  lost INTEGER NOT NULL DEFAULT 0,        -- attempts whose worker was lost
  reason TEXT,
  message TEXT,
  result TEXT,                            -- payload of the result event
  last_event INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX tasks_unfinished ON tasks(state, priority, seq) WHERE state IN ('pending', 'running');
CREATE INDEX tasks_by_state ON tasks(state, seq);
CREATE TABLE attempts(
  task INTEGER NOT NULL REFERENCES tasks(seq) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  outcome TEXT,
  worker_seq INTEGER NOT NULL DEFAULT 0,  -- last event of the worker that is stored
  PRIMARY KEY(task, attempt)
) WITHOUT ROWID;
CREATE INDEX attempts_open ON attempts(task) WHERE ended IS NULL;
CREATE TABLE events(
  task INTEGER NOT NULL REFERENCES tasks(seq) ON DELETE CASCADE,
  seq INTEGER NOT NULL,                   -- 1, 2, ... over all attempts
  attempt INTEGER NOT NULL,
  time INTEGER NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY(task, seq)
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE nodes(
  id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: slots are named by it
  name TEXT NOT NULL UNIQUE,
  sockets INTEGER NOT NULL,
  cores_per_socket INTEGER NOT NULL,
  source TEXT NOT NULL                    -- machine, hostfile or joined
);
)sql",
    R"sql(
ALTER TABLE tasks ADD COLUMN owner TEXT NOT NULL DEFAULT '';      -- name of the token that submitted it; '': nobody's in particular
ALTER TABLE tasks ADD COLUMN submitter TEXT NOT NULL DEFAULT '';  -- whose share it counts against: the owner, else labels.user
CREATE INDEX tasks_by_owner ON tasks(owner, seq);
)sql",
    R"sql(
CREATE TABLE assistants(                  -- slots of a task's workers beside its lead
  task INTEGER NOT NULL REFERENCES tasks(seq) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  worker INTEGER NOT NULL,                -- 1, 2, ...
  slot INTEGER NOT NULL,
  PRIMARY KEY(task, attempt, worker)
) WITHOUT ROWID;
)sql",
    R"sql(
ALTER TABLE tasks ADD COLUMN event_rows INTEGER NOT NULL DEFAULT 0;  -- in events
ALTER TABLE tasks ADD COLUMN bytes INTEGER;                          -- of folder and log, once ended; NULL: not measured
UPDATE tasks SET event_rows=(SELECT count(*) FROM events WHERE task=tasks.seq);
CREATE INDEX tasks_ended ON tasks(ended, seq) WHERE ended IS NOT NULL;
CREATE INDEX tasks_unmeasured ON tasks(seq) WHERE ended IS NOT NULL AND bytes IS NULL;
CREATE TABLE leftovers(id TEXT PRIMARY KEY) WITHOUT ROWID;  -- removed tasks whose files may still be there
CREATE TABLE totals(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;  -- tasks by state, bytes; kept by the triggers
INSERT INTO totals(name, value) VALUES('pending', 0), ('running', 0), ('done', 0), ('failed', 0), ('cancelled', 0), ('bytes', 0), ('probe', 0);
UPDATE totals SET value=(SELECT count(*) FROM tasks WHERE state=totals.name) WHERE name NOT IN ('bytes', 'probe');
CREATE TRIGGER tasks_added AFTER INSERT ON tasks BEGIN
  UPDATE totals SET value=value+1 WHERE name=new.state;
END;
CREATE TRIGGER tasks_moved AFTER UPDATE OF state ON tasks WHEN new.state<>old.state BEGIN
  UPDATE totals SET value=value-1 WHERE name=old.state;
  UPDATE totals SET value=value+1 WHERE name=new.state;
END;
CREATE TRIGGER tasks_measured AFTER UPDATE OF bytes ON tasks BEGIN
  UPDATE totals SET value=value+ifnull(new.bytes, 0)-ifnull(old.bytes, 0) WHERE name='bytes';
END;
CREATE TRIGGER tasks_removed AFTER DELETE ON tasks BEGIN
  UPDATE totals SET value=value-1 WHERE name=old.state;
  UPDATE totals SET value=value-ifnull(old.bytes, 0) WHERE name='bytes';
  INSERT OR IGNORE INTO leftovers(id) VALUES(old.id);
END;
)sql",
    R"sql(
CREATE TABLE webhooks(
  task INTEGER PRIMARY KEY REFERENCES tasks(seq) ON DELETE CASCADE,
  state TEXT NOT NULL,                    -- waiting, delivered, failed
  tries INTEGER NOT NULL DEFAULT 0,
  next INTEGER,                           -- when the next try is due
  delivered INTEGER,
  last_error TEXT
);
CREATE INDEX webhooks_waiting ON webhooks(next) WHERE state='waiting';
CREATE TRIGGER tasks_ended_with_webhook AFTER UPDATE OF state ON tasks
WHEN new.state IN ('done', 'failed', 'cancelled') AND old.state IN ('pending', 'running')
  AND CASE WHEN json_valid(new.spec) THEN json_extract(new.spec, '$.webhook') END IS NOT NULL BEGIN
  INSERT INTO webhooks(task, state, next) VALUES(new.seq, 'waiting', 0);
END;
)sql",
    R"sql(
CREATE TABLE task_labels(                 -- of the requests, for filters; kept by the triggers
  label TEXT NOT NULL,
  value TEXT NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY(label, value, task)
) WITHOUT ROWID;
CREATE VIEW labels_in_requests AS SELECT seq AS task, key AS label, value
  FROM tasks, json_each(CASE WHEN json_valid(spec) THEN spec ELSE '{}' END, '$.labels') WHERE json_each.type='text';
INSERT OR IGNORE INTO task_labels(label, value, task) SELECT label, value, task FROM labels_in_requests;
CREATE TRIGGER tasks_labelled AFTER INSERT ON tasks WHEN instr(new.spec, '"labels"')>0 BEGIN
  INSERT OR IGNORE INTO task_labels(label, value, task) SELECT label, value, task FROM labels_in_requests WHERE task=new.seq;
END;
CREATE TRIGGER labelled_removed BEFORE DELETE ON tasks WHEN instr(old.spec, '"labels"')>0 BEGIN
  DELETE FROM task_labels WHERE (label, value, task) IN (SELECT label, value, task FROM labels_in_requests WHERE task=old.seq);
END;
)sql",
    R"sql(
DROP TABLE assistants;                    -- no version before this one had any
CREATE TABLE assistants(                  -- slots of a task's workers beside its lead
  task INTEGER NOT NULL REFERENCES tasks(seq) ON DELETE CASCADE,
  fence INTEGER NOT NULL,                 -- counts the starts of a task's assistants
  worker INTEGER NOT NULL,                -- 1, 2, ...
  slot INTEGER NOT NULL,
  PRIMARY KEY(task, fence)
) WITHOUT ROWID;
ALTER TABLE tasks ADD COLUMN assistants INTEGER NOT NULL DEFAULT 0;  -- started so far: the highest fence
)sql",
};

}  // namespace

int NewestSchemaVersion() { return static_cast<int>(kSteps.size()); }

Status Migrate(Database& database) {
  int64_t version = 0;
  {
    NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("PRAGMA user_version"));
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (row) version = query.Int(0);
  }
  if (version > NewestSchemaVersion()) {
    return FailedPrecondition(fmt::format("the store has schema version {}, this program knows versions up to {}: use the newer program, or "
                                          "another --workspace", version, NewestSchemaVersion()), "STORE_TOO_NEW");
  }
  const bool older = version > 0;
  for (; version < NewestSchemaVersion(); ++version) {
    if (older) LogInfo("bringing the store from schema version {} to {}", version, version + 1);
    Status status = database.Execute(fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version={}; COMMIT;", kSteps[static_cast<size_t>(version)], version + 1));
    if (!status.ok()) {
      if (database.in_transaction()) (void)database.Execute("ROLLBACK");
      return status.WithContext(fmt::format("cannot bring the store to schema version {}", version + 1));
    }
  }
  return OkStatus();
}

}  // namespace ns
