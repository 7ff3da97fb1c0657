-- Who may do what, under which rules, and who decided it.
--
-- Every table is chained like those before it. What changes is written as a new row: the latest
-- one holds, and the earlier ones stay. `decision` says who decided an entry and why.

-- The role `none` takes every right away.
CREATE TABLE principal (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL
            CHECK (role IN ('analyst', 'administrator', 'auditor', 'job', 'none')),
    account TEXT NOT NULL
);
CREATE INDEX principal_by_name ON principal (name, position);

-- Above these, one administrator proposes and another approves. NULL: no ceiling.
CREATE TABLE policy (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project_epsilon BIGINT CHECK (project_epsilon > 0),
    project_delta   BIGINT CHECK (project_delta > 0),
    dataset_epsilon BIGINT CHECK (dataset_epsilon > 0),
    dataset_delta   BIGINT CHECK (dataset_delta > 0),
    CHECK ((project_epsilon IS NULL) = (project_delta IS NULL)),
    CHECK ((dataset_epsilon IS NULL) = (dataset_delta IS NULL))
);

CREATE TABLE proposal (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    principal TEXT NOT NULL,
    reason    TEXT NOT NULL,
    summary   TEXT NOT NULL,
    -- The act as JSON, to be carried out when it is approved.
    act       TEXT NOT NULL
);

CREATE TABLE approval (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    proposal  BIGINT NOT NULL UNIQUE REFERENCES proposal (position),
    principal TEXT    NOT NULL,
    verdict   TEXT    NOT NULL CHECK (verdict IN ('approved', 'rejected')),
    reason    TEXT    NOT NULL
);

CREATE TABLE decision (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    entry     BIGINT NOT NULL REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    principal TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    -- What two administrators agreed on, if it needed both.
    proposal  BIGINT REFERENCES proposal (position)
);
CREATE INDEX decision_by_entry ON decision (entry);

-- A new cap of a dataset or project; the first one stands in its own row.
CREATE TABLE cap_change (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    holder      BIGINT NOT NULL REFERENCES account (holder),
    epsilon     BIGINT NOT NULL CHECK (epsilon > 0),
    delta       BIGINT CHECK (delta > 0),
    cap_rho     BIGINT NOT NULL CHECK (cap_rho >= 0),
    cap_delta   BIGINT NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon BIGINT NOT NULL CHECK (cap_epsilon >= 0)
);
CREATE INDEX cap_change_by_holder ON cap_change (holder, position);

CREATE TABLE project_rules (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project          BIGINT NOT NULL REFERENCES project (position),
    -- The most that one question may cost: as it was said, and in the project's accountant.
    question_epsilon BIGINT CHECK (question_epsilon > 0),
    question_units   BIGINT CHECK (question_units > 0),
    -- At most so many thousandths of a percent of the cap in so many days.
    pace_share       BIGINT CHECK (pace_share BETWEEN 1 AND 100000),
    pace_days        BIGINT CHECK (pace_days IN (1, 7)),
    min_units        BIGINT CHECK (min_units >= 1),
    starts           TEXT CHECK (length(starts) = 10),
    ends             TEXT CHECK (length(ends) = 10),
    -- Names separated by commas. NULL: every table of the dataset.
    tables           TEXT,
    CHECK ((question_epsilon IS NULL) = (question_units IS NULL)),
    CHECK ((pace_share IS NULL) = (pace_days IS NULL))
);
CREATE INDEX project_rules_by_project ON project_rules (project, position);

-- A project without a row is open; `closure` ends it.
CREATE TABLE project_status (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project BIGINT NOT NULL REFERENCES project (position),
    status  TEXT    NOT NULL CHECK (status IN ('draft', 'open', 'suspended'))
);
CREATE INDEX project_status_by_project ON project_status (project, position);

CREATE TABLE permit_basis (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    permit BIGINT NOT NULL UNIQUE REFERENCES permit (position),
    basis  TEXT    NOT NULL
);

CREATE TABLE permit_extension (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    permit BIGINT NOT NULL REFERENCES permit (position),
    ends   TEXT    NOT NULL CHECK (length(ends) = 10)
);
CREATE INDEX permit_extension_by_permit ON permit_extension (permit, position);

-- The persons a project's permits name. A project with no row answers every principal.
CREATE TABLE member (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project   BIGINT NOT NULL REFERENCES project (position),
    principal TEXT    NOT NULL,
    may_ask   BIGINT NOT NULL CHECK (may_ask IN (0, 1))
);
CREATE INDEX member_by_project ON member (project, principal, position);

-- How a charge came about, for the audit: public parameters only.
CREATE TABLE charge_detail (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge     BIGINT NOT NULL UNIQUE REFERENCES charge (position),
    tables     TEXT    NOT NULL,
    mechanisms TEXT    NOT NULL,
    bounds     TEXT    NOT NULL
);

-- Which file a dataset's table was when a version of its data was declared. The fingerprint is keyed
-- with the data holder's key; `key_id` says with which.
CREATE TABLE table_file (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    data_version BIGINT NOT NULL REFERENCES data_version (position),
    name         TEXT    NOT NULL,
    path         TEXT    NOT NULL,
    key_id       BYTEA    NOT NULL CHECK (length(key_id) = 8),
    fingerprint  BYTEA    NOT NULL CHECK (length(fingerprint) = 32)
);
CREATE INDEX table_file_by_version ON table_file (data_version, name);
CREATE INDEX table_file_by_fingerprint ON table_file (fingerprint);

CREATE TABLE refusal (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project     TEXT NOT NULL,
    principal   TEXT NOT NULL,
    code        TEXT NOT NULL,
    message     TEXT NOT NULL,
    description TEXT NOT NULL
);

-- Working files that were deleted after a permit ended.
CREATE TABLE purge (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project BIGINT NOT NULL REFERENCES project (position),
    files   BIGINT NOT NULL CHECK (files >= 0)
);

CREATE INDEX charge_by_project ON charge (project, position);

-- A cap moves to the one that was decided last, and to no other.
CREATE OR REPLACE FUNCTION account_never_falls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.holder <> OLD.holder
        OR NEW.spent_rho < OLD.spent_rho
        OR NEW.spent_delta < OLD.spent_delta
        OR NEW.spent_epsilon < OLD.spent_epsilon
    THEN
        RAISE EXCEPTION 'spent budget never falls';
    END IF;
    IF (NEW.cap_rho <> OLD.cap_rho
            OR NEW.cap_delta <> OLD.cap_delta
            OR NEW.cap_epsilon <> OLD.cap_epsilon)
        AND NOT EXISTS (
            SELECT 1 FROM cap_change c
            WHERE c.position = (SELECT max(l.position) FROM cap_change l WHERE l.holder = NEW.holder)
              AND c.cap_rho = NEW.cap_rho
              AND c.cap_delta = NEW.cap_delta
              AND c.cap_epsilon = NEW.cap_epsilon)
    THEN
        RAISE EXCEPTION 'a cap moves only by a recorded decision';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER principal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON principal
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER policy_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER proposal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proposal
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER cap_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cap_change
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER project_rules_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON project_rules
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER project_status_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON project_status
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER permit_basis_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON permit_basis
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER permit_extension_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON permit_extension
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER member_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON member
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER charge_detail_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge_detail
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER table_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON table_file
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER refusal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refusal
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER purge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purge
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
