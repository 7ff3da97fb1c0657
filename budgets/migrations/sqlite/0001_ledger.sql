-- The first shape of the ledger.
--
-- Every row that matters is one entry of the chain: it has the entry's position as
-- its own key, and the entry's hash covers its columns. Rows are written once.
-- `account` alone changes, and only upwards: it holds the running sums that decide
-- whether a charge fits, and they can be recomputed from the charges at any time.
--
-- Units: rho in 1e-15, epsilon in 1e-12, delta in 1e-18, times in microseconds
-- since 1970 (UTC), dates as YYYY-MM-DD (UTC).

CREATE TABLE entry (
    position    INTEGER PRIMARY KEY CHECK (position >= 1),
    kind        TEXT    NOT NULL,
    recorded_us INTEGER NOT NULL,
    hash        BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE identity (
    position  INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED
              CHECK (position = 1),
    ledger_id BLOB NOT NULL CHECK (length(ledger_id) = 16)
) STRICT;

CREATE TABLE dataset (
    position    INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL UNIQUE,
    accountant  TEXT    NOT NULL CHECK (accountant IN ('zcdp', 'pure')),
    epsilon     INTEGER NOT NULL CHECK (epsilon > 0),
    delta       INTEGER CHECK (delta > 0),
    cap_rho     INTEGER NOT NULL CHECK (cap_rho >= 0),
    cap_delta   INTEGER NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon INTEGER NOT NULL CHECK (cap_epsilon >= 0),
    CHECK ((accountant = 'zcdp') = (delta IS NOT NULL))
) STRICT;

CREATE TABLE data_version (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    dataset  INTEGER NOT NULL REFERENCES dataset (position),
    version  TEXT    NOT NULL UNIQUE CHECK (length(version) = 32)
) STRICT;
CREATE INDEX data_version_by_dataset ON data_version (dataset, position);

CREATE TABLE project (
    position    INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL UNIQUE,
    dataset     INTEGER NOT NULL REFERENCES dataset (position),
    accountant  TEXT    NOT NULL CHECK (accountant IN ('zcdp', 'pure')),
    epsilon     INTEGER NOT NULL CHECK (epsilon > 0),
    delta       INTEGER CHECK (delta > 0),
    cap_rho     INTEGER NOT NULL CHECK (cap_rho >= 0),
    cap_delta   INTEGER NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon INTEGER NOT NULL CHECK (cap_epsilon >= 0),
    CHECK ((accountant = 'zcdp') = (delta IS NOT NULL))
) STRICT;

CREATE TABLE permit (
    position  INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project   INTEGER NOT NULL REFERENCES project (position),
    authority TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    purpose   TEXT    NOT NULL,
    starts    TEXT    NOT NULL CHECK (length(starts) = 10),
    ends      TEXT    NOT NULL CHECK (length(ends) = 10 AND ends >= starts)
) STRICT;
CREATE INDEX permit_by_project ON permit (project, position);

CREATE TABLE charge (
    position            INTEGER PRIMARY KEY REFERENCES entry (position)
                        DEFERRABLE INITIALLY DEFERRED,
    project             INTEGER NOT NULL REFERENCES project (position),
    permit              INTEGER NOT NULL REFERENCES permit (position),
    principal           TEXT    NOT NULL,
    request_key         BLOB    NOT NULL CHECK (length(request_key) = 32),
    request_hash        BLOB    NOT NULL CHECK (length(request_hash) = 32),
    plan_hash           BLOB    NOT NULL CHECK (length(plan_hash) = 32),
    data_version        TEXT    NOT NULL,
    boundaries          INTEGER NOT NULL CHECK (boundaries >= 1),
    bounding_key        BLOB    NOT NULL CHECK (length(bounding_key) = 16),
    description         TEXT    NOT NULL,
    -- What the project pays, in its own accountant.
    rho                 INTEGER NOT NULL CHECK (rho >= 0),
    delta               INTEGER NOT NULL CHECK (delta >= 0),
    epsilon             INTEGER NOT NULL CHECK (epsilon >= 0),
    -- What the dataset pays for the same release, in its accountant.
    dataset_rho         INTEGER NOT NULL CHECK (dataset_rho >= 0),
    dataset_delta       INTEGER NOT NULL CHECK (dataset_delta >= 0),
    dataset_epsilon     INTEGER NOT NULL CHECK (dataset_epsilon >= 0),
    -- The project's sums once this charge is in them, so that a replay can repeat them.
    spent_rho_after     INTEGER NOT NULL CHECK (spent_rho_after >= rho),
    spent_delta_after   INTEGER NOT NULL CHECK (spent_delta_after >= delta),
    spent_epsilon_after INTEGER NOT NULL CHECK (spent_epsilon_after >= epsilon),
    CHECK (rho > 0 OR epsilon > 0),
    CHECK (dataset_rho > 0 OR dataset_epsilon > 0)
) STRICT;
CREATE INDEX charge_by_request ON charge (project, request_key, position);

CREATE TABLE replay (
    position  INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge    INTEGER NOT NULL REFERENCES charge (position),
    principal TEXT    NOT NULL
) STRICT;

CREATE TABLE attempt (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge   INTEGER NOT NULL REFERENCES charge (position),
    number   INTEGER NOT NULL CHECK (number BETWEEN 1 AND 3),
    UNIQUE (charge, number)
) STRICT;

CREATE TABLE seal (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge   INTEGER NOT NULL REFERENCES charge (position),
    boundary INTEGER NOT NULL CHECK (boundary >= 0),
    attempt  INTEGER NOT NULL REFERENCES attempt (position),
    digest   BLOB    NOT NULL CHECK (length(digest) = 32),
    UNIQUE (charge, boundary)
) STRICT;

-- The chain covers these bytes through the digest in `seal`.
CREATE TABLE sealed_bytes (
    seal  INTEGER PRIMARY KEY REFERENCES seal (position) DEFERRABLE INITIALLY DEFERRED,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE closure (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project  INTEGER NOT NULL UNIQUE REFERENCES project (position),
    reason   TEXT    NOT NULL
) STRICT;

-- One account per dataset and per project, keyed by the entry that opened it.
CREATE TABLE account (
    holder        INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    cap_rho       INTEGER NOT NULL,
    cap_delta     INTEGER NOT NULL,
    cap_epsilon   INTEGER NOT NULL,
    spent_rho     INTEGER NOT NULL DEFAULT 0 CHECK (spent_rho BETWEEN 0 AND cap_rho),
    spent_delta   INTEGER NOT NULL DEFAULT 0 CHECK (spent_delta BETWEEN 0 AND cap_delta),
    spent_epsilon INTEGER NOT NULL DEFAULT 0 CHECK (spent_epsilon BETWEEN 0 AND cap_epsilon)
) STRICT;

CREATE TRIGGER account_never_falls BEFORE UPDATE ON account
WHEN NEW.holder <> OLD.holder
    OR NEW.cap_rho <> OLD.cap_rho
    OR NEW.cap_delta <> OLD.cap_delta
    OR NEW.cap_epsilon <> OLD.cap_epsilon
    OR NEW.spent_rho < OLD.spent_rho
    OR NEW.spent_delta < OLD.spent_delta
    OR NEW.spent_epsilon < OLD.spent_epsilon
BEGIN SELECT RAISE(ABORT, 'spent budget never falls and a cap never moves'); END;
CREATE TRIGGER account_stays BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- A gap or a replaced entry would break the chain silently for whoever reads only its end.
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM entry)
    OR NEW.recorded_us < (SELECT coalesce(max(recorded_us), NEW.recorded_us) FROM entry
                          WHERE position = NEW.position - 1)
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END;

CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER identity_no_update BEFORE UPDATE ON identity
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER identity_no_delete BEFORE DELETE ON identity
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER dataset_no_update BEFORE UPDATE ON dataset
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER dataset_no_delete BEFORE DELETE ON dataset
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER data_version_no_update BEFORE UPDATE ON data_version
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER data_version_no_delete BEFORE DELETE ON data_version
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_no_update BEFORE UPDATE ON project
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_no_delete BEFORE DELETE ON project
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_no_update BEFORE UPDATE ON permit
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_no_delete BEFORE DELETE ON permit
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_no_update BEFORE UPDATE ON charge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_no_delete BEFORE DELETE ON charge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER replay_no_update BEFORE UPDATE ON replay
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER replay_no_delete BEFORE DELETE ON replay
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER attempt_no_update BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER seal_no_update BEFORE UPDATE ON seal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER seal_no_delete BEFORE DELETE ON seal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER sealed_bytes_no_update BEFORE UPDATE ON sealed_bytes
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER sealed_bytes_no_delete BEFORE DELETE ON sealed_bytes
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER closure_no_update BEFORE UPDATE ON closure
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER closure_no_delete BEFORE DELETE ON closure
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
