-- Who may do what, under which rules, and who decided it.
--
-- Every table is chained like those before it. What changes is written as a new row: the latest
-- one holds, and the earlier ones stay. `decision` says who decided an entry and why.

-- The role `none` takes every right away.
CREATE TABLE principal (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL
            CHECK (role IN ('analyst', 'administrator', 'auditor', 'job', 'none')),
    account TEXT NOT NULL
) STRICT;
CREATE INDEX principal_by_name ON principal (name, position);

-- Above these, one administrator proposes and another approves. NULL: no ceiling.
CREATE TABLE policy (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project_epsilon INTEGER CHECK (project_epsilon > 0),
    project_delta   INTEGER CHECK (project_delta > 0),
    dataset_epsilon INTEGER CHECK (dataset_epsilon > 0),
    dataset_delta   INTEGER CHECK (dataset_delta > 0),
    CHECK ((project_epsilon IS NULL) = (project_delta IS NULL)),
    CHECK ((dataset_epsilon IS NULL) = (dataset_delta IS NULL))
) STRICT;

CREATE TABLE proposal (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    principal TEXT NOT NULL,
    reason    TEXT NOT NULL,
    summary   TEXT NOT NULL,
    -- The act as JSON, to be carried out when it is approved.
    act       TEXT NOT NULL
) STRICT;

CREATE TABLE approval (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    proposal  INTEGER NOT NULL UNIQUE REFERENCES proposal (position),
    principal TEXT    NOT NULL,
    verdict   TEXT    NOT NULL CHECK (verdict IN ('approved', 'rejected')),
    reason    TEXT    NOT NULL
) STRICT;

CREATE TABLE decision (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    entry     INTEGER NOT NULL REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    principal TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    -- What two administrators agreed on, if it needed both.
    proposal  INTEGER REFERENCES proposal (position)
) STRICT;
CREATE INDEX decision_by_entry ON decision (entry);

-- A new cap of a dataset or project; the first one stands in its own row.
CREATE TABLE cap_change (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    holder      INTEGER NOT NULL REFERENCES account (holder),
    epsilon     INTEGER NOT NULL CHECK (epsilon > 0),
    delta       INTEGER CHECK (delta > 0),
    cap_rho     INTEGER NOT NULL CHECK (cap_rho >= 0),
    cap_delta   INTEGER NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon INTEGER NOT NULL CHECK (cap_epsilon >= 0)
) STRICT;
CREATE INDEX cap_change_by_holder ON cap_change (holder, position);

CREATE TABLE project_rules (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project          INTEGER NOT NULL REFERENCES project (position),
    -- The most that one question may cost: as it was said, and in the project's accountant.
    question_epsilon INTEGER CHECK (question_epsilon > 0),
    question_units   INTEGER CHECK (question_units > 0),
    -- At most so many thousandths of a percent of the cap in so many days.
    pace_share       INTEGER CHECK (pace_share BETWEEN 1 AND 100000),
    pace_days        INTEGER CHECK (pace_days IN (1, 7)),
    min_units        INTEGER CHECK (min_units >= 1),
    starts           TEXT CHECK (length(starts) = 10),
    ends             TEXT CHECK (length(ends) = 10),
    -- Names separated by commas. NULL: every table of the dataset.
    tables           TEXT,
    CHECK ((question_epsilon IS NULL) = (question_units IS NULL)),
    CHECK ((pace_share IS NULL) = (pace_days IS NULL))
) STRICT;
CREATE INDEX project_rules_by_project ON project_rules (project, position);

-- A project without a row is open; `closure` ends it.
CREATE TABLE project_status (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project INTEGER NOT NULL REFERENCES project (position),
    status  TEXT    NOT NULL CHECK (status IN ('draft', 'open', 'suspended'))
) STRICT;
CREATE INDEX project_status_by_project ON project_status (project, position);

CREATE TABLE permit_basis (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    permit INTEGER NOT NULL UNIQUE REFERENCES permit (position),
    basis  TEXT    NOT NULL
) STRICT;

CREATE TABLE permit_extension (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    permit INTEGER NOT NULL REFERENCES permit (position),
    ends   TEXT    NOT NULL CHECK (length(ends) = 10)
) STRICT;
CREATE INDEX permit_extension_by_permit ON permit_extension (permit, position);

-- The persons a project's permits name. A project with no row answers every principal.
CREATE TABLE member (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project   INTEGER NOT NULL REFERENCES project (position),
    principal TEXT    NOT NULL,
    may_ask   INTEGER NOT NULL CHECK (may_ask IN (0, 1))
) STRICT;
CREATE INDEX member_by_project ON member (project, principal, position);

-- How a charge came about, for the audit: public parameters only.
CREATE TABLE charge_detail (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge     INTEGER NOT NULL UNIQUE REFERENCES charge (position),
    tables     TEXT    NOT NULL,
    mechanisms TEXT    NOT NULL,
    bounds     TEXT    NOT NULL
) STRICT;

-- Which file a dataset's table was when a version of its data was declared. The fingerprint is keyed
-- with the data holder's key; `key_id` says with which.
CREATE TABLE table_file (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    data_version INTEGER NOT NULL REFERENCES data_version (position),
    name         TEXT    NOT NULL,
    path         TEXT    NOT NULL,
    key_id       BLOB    NOT NULL CHECK (length(key_id) = 8),
    fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) = 32)
) STRICT;
CREATE INDEX table_file_by_version ON table_file (data_version, name);
CREATE INDEX table_file_by_fingerprint ON table_file (fingerprint);

CREATE TABLE refusal (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project     TEXT NOT NULL,
    principal   TEXT NOT NULL,
    code        TEXT NOT NULL,
    message     TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

-- Working files that were deleted after a permit ended.
CREATE TABLE purge (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project INTEGER NOT NULL REFERENCES project (position),
    files   INTEGER NOT NULL CHECK (files >= 0)
) STRICT;

CREATE INDEX charge_by_project ON charge (project, position);

-- A cap moves to the one that was decided last, and to no other.
DROP TRIGGER account_never_falls;
CREATE TRIGGER account_never_falls BEFORE UPDATE ON account
WHEN NEW.holder <> OLD.holder
    OR NEW.spent_rho < OLD.spent_rho
    OR NEW.spent_delta < OLD.spent_delta
    OR NEW.spent_epsilon < OLD.spent_epsilon
BEGIN SELECT RAISE(ABORT, 'spent budget never falls'); END;
CREATE TRIGGER account_cap_is_decided BEFORE UPDATE ON account
WHEN (NEW.cap_rho <> OLD.cap_rho
        OR NEW.cap_delta <> OLD.cap_delta
        OR NEW.cap_epsilon <> OLD.cap_epsilon)
    AND NOT EXISTS (
        SELECT 1 FROM cap_change c
        WHERE c.position = (SELECT max(l.position) FROM cap_change l WHERE l.holder = NEW.holder)
          AND c.cap_rho = NEW.cap_rho
          AND c.cap_delta = NEW.cap_delta
          AND c.cap_epsilon = NEW.cap_epsilon)
BEGIN SELECT RAISE(ABORT, 'a cap moves only by a recorded decision'); END;

CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER principal_no_update BEFORE UPDATE ON principal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER principal_no_delete BEFORE DELETE ON principal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER policy_no_update BEFORE UPDATE ON policy
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER policy_no_delete BEFORE DELETE ON policy
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER proposal_no_update BEFORE UPDATE ON proposal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER proposal_no_delete BEFORE DELETE ON proposal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER approval_no_update BEFORE UPDATE ON approval
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER approval_no_delete BEFORE DELETE ON approval
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER cap_change_no_update BEFORE UPDATE ON cap_change
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER cap_change_no_delete BEFORE DELETE ON cap_change
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_rules_no_update BEFORE UPDATE ON project_rules
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_rules_no_delete BEFORE DELETE ON project_rules
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_status_no_update BEFORE UPDATE ON project_status
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_status_no_delete BEFORE DELETE ON project_status
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_basis_no_update BEFORE UPDATE ON permit_basis
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_basis_no_delete BEFORE DELETE ON permit_basis
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_extension_no_update BEFORE UPDATE ON permit_extension
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER permit_extension_no_delete BEFORE DELETE ON permit_extension
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER member_no_update BEFORE UPDATE ON member
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER member_no_delete BEFORE DELETE ON member
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_detail_no_update BEFORE UPDATE ON charge_detail
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_detail_no_delete BEFORE DELETE ON charge_detail
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER table_file_no_update BEFORE UPDATE ON table_file
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER table_file_no_delete BEFORE DELETE ON table_file
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER refusal_no_update BEFORE UPDATE ON refusal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER refusal_no_delete BEFORE DELETE ON refusal
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER purge_no_update BEFORE UPDATE ON purge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER purge_no_delete BEFORE DELETE ON purge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
