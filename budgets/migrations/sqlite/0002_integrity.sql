-- What keeps a ledger honest when copies of it are about: its signing key, what was recovered
-- from other branches of it, and charges that reach several datasets.

CREATE TABLE signing_key (
    position   INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32)
) STRICT;

-- A further dataset that a project may ask about, beside the one it was opened on.
CREATE TABLE project_dataset (
    position INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project  INTEGER NOT NULL REFERENCES project (position),
    dataset  INTEGER NOT NULL REFERENCES dataset (position),
    reason   TEXT    NOT NULL,
    UNIQUE (project, dataset)
) STRICT;

-- What a charge costs a further dataset, in that dataset's accountant.
CREATE TABLE charge_share (
    position     INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge       INTEGER NOT NULL REFERENCES charge (position),
    dataset      INTEGER NOT NULL REFERENCES dataset (position),
    data_version TEXT    NOT NULL,
    rho          INTEGER NOT NULL CHECK (rho >= 0),
    delta        INTEGER NOT NULL CHECK (delta >= 0),
    epsilon      INTEGER NOT NULL CHECK (epsilon >= 0),
    UNIQUE (charge, dataset),
    CHECK (rho > 0 OR epsilon > 0)
) STRICT;

-- An administrator accepted that this ledger is not the only one that its witness saw.
CREATE TABLE recovery (
    position         INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    administrator    TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    -- The head outside the ledger that is explained by this.
    witness_position INTEGER NOT NULL CHECK (witness_position >= 0),
    witness_hash     BLOB    NOT NULL CHECK (length(witness_hash) = 32)
) STRICT;

-- A charge of another branch: it was spent there, so it is spent here. Without an origin it
-- stands for a branch that nobody could list, and fills its dataset up to the cap.
CREATE TABLE recovered_charge (
    position        INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    recovery        INTEGER NOT NULL REFERENCES recovery (position),
    origin_position INTEGER CHECK (origin_position >= 1),
    origin_hash     BLOB    CHECK (length(origin_hash) = 32),
    project         INTEGER REFERENCES project (position),
    dataset         INTEGER NOT NULL REFERENCES dataset (position),
    rho             INTEGER NOT NULL CHECK (rho >= 0),
    delta           INTEGER NOT NULL CHECK (delta >= 0),
    epsilon         INTEGER NOT NULL CHECK (epsilon >= 0),
    dataset_rho     INTEGER NOT NULL CHECK (dataset_rho >= 0),
    dataset_delta   INTEGER NOT NULL CHECK (dataset_delta >= 0),
    dataset_epsilon INTEGER NOT NULL CHECK (dataset_epsilon >= 0),
    UNIQUE (origin_hash, dataset),
    CHECK ((origin_position IS NULL) = (origin_hash IS NULL))
) STRICT;

-- `sequence` counts the moves of an account: a spender names the one that it read. What another
-- branch spent may pass a cap, so the bound moves from a check into a trigger.
CREATE TABLE account_with_sequence (
    holder        INTEGER PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    cap_rho       INTEGER NOT NULL,
    cap_delta     INTEGER NOT NULL,
    cap_epsilon   INTEGER NOT NULL,
    spent_rho     INTEGER NOT NULL DEFAULT 0 CHECK (spent_rho >= 0),
    spent_delta   INTEGER NOT NULL DEFAULT 0 CHECK (spent_delta >= 0),
    spent_epsilon INTEGER NOT NULL DEFAULT 0 CHECK (spent_epsilon >= 0),
    sequence      INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0)
) STRICT;
INSERT INTO account_with_sequence
SELECT holder, cap_rho, cap_delta, cap_epsilon, spent_rho, spent_delta, spent_epsilon,
       (SELECT count(*) FROM charge c WHERE c.project = holder)
       + (SELECT count(*) FROM charge c JOIN project p ON p.position = c.project
          WHERE p.dataset = holder)
FROM account;
DROP TABLE account;
ALTER TABLE account_with_sequence RENAME TO account;

CREATE TRIGGER account_never_falls BEFORE UPDATE ON account
WHEN NEW.holder <> OLD.holder
    OR NEW.cap_rho <> OLD.cap_rho
    OR NEW.cap_delta <> OLD.cap_delta
    OR NEW.cap_epsilon <> OLD.cap_epsilon
    OR NEW.spent_rho < OLD.spent_rho
    OR NEW.spent_delta < OLD.spent_delta
    OR NEW.spent_epsilon < OLD.spent_epsilon
BEGIN SELECT RAISE(ABORT, 'spent budget never falls and a cap never moves'); END;
CREATE TRIGGER account_counts_its_moves BEFORE UPDATE ON account
WHEN NEW.sequence <> OLD.sequence + (NEW.spent_rho > OLD.spent_rho
    OR NEW.spent_delta > OLD.spent_delta
    OR NEW.spent_epsilon > OLD.spent_epsilon)
BEGIN SELECT RAISE(ABORT, 'each move of an account is counted'); END;
CREATE TRIGGER account_within_cap BEFORE UPDATE ON account
WHEN (NEW.spent_rho > max(OLD.spent_rho, NEW.cap_rho)
        OR NEW.spent_delta > max(OLD.spent_delta, NEW.cap_delta)
        OR NEW.spent_epsilon > max(OLD.spent_epsilon, NEW.cap_epsilon))
    AND NOT EXISTS (
        SELECT 1 FROM recovered_charge r
        WHERE r.position = (SELECT max(position) FROM entry)
          AND (r.dataset = NEW.holder OR r.project = NEW.holder))
BEGIN SELECT RAISE(ABORT, 'only what another branch spent may pass a cap'); END;
CREATE TRIGGER account_stays BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER signing_key_no_update BEFORE UPDATE ON signing_key
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER signing_key_no_delete BEFORE DELETE ON signing_key
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_dataset_no_update BEFORE UPDATE ON project_dataset
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER project_dataset_no_delete BEFORE DELETE ON project_dataset
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_share_no_update BEFORE UPDATE ON charge_share
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER charge_share_no_delete BEFORE DELETE ON charge_share
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER recovery_no_update BEFORE UPDATE ON recovery
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER recovery_no_delete BEFORE DELETE ON recovery
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER recovered_charge_no_update BEFORE UPDATE ON recovered_charge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER recovered_charge_no_delete BEFORE DELETE ON recovered_charge
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
