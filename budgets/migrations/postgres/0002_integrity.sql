-- What keeps a ledger honest when copies of it are about: its signing key, what was recovered
-- from other branches of it, and charges that reach several datasets.

CREATE TABLE signing_key (
    position   BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    public_key BYTEA NOT NULL CHECK (length(public_key) = 32)
);

-- A further dataset that a project may ask about, beside the one it was opened on.
CREATE TABLE project_dataset (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project  BIGINT NOT NULL REFERENCES project (position),
    dataset  BIGINT NOT NULL REFERENCES dataset (position),
    reason   TEXT    NOT NULL,
    UNIQUE (project, dataset)
);

-- What a charge costs a further dataset, in that dataset's accountant.
CREATE TABLE charge_share (
    position     BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge       BIGINT NOT NULL REFERENCES charge (position),
    dataset      BIGINT NOT NULL REFERENCES dataset (position),
    data_version TEXT    NOT NULL,
    rho          BIGINT NOT NULL CHECK (rho >= 0),
    delta        BIGINT NOT NULL CHECK (delta >= 0),
    epsilon      BIGINT NOT NULL CHECK (epsilon >= 0),
    UNIQUE (charge, dataset),
    CHECK (rho > 0 OR epsilon > 0)
);

-- An administrator accepted that this ledger is not the only one that its witness saw.
CREATE TABLE recovery (
    position         BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    administrator    TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    -- The head outside the ledger that is explained by this.
    witness_position BIGINT NOT NULL CHECK (witness_position >= 0),
    witness_hash     BYTEA    NOT NULL CHECK (length(witness_hash) = 32)
);

-- A charge of another branch: it was spent there, so it is spent here. Without an origin it
-- stands for a branch that nobody could list, and fills its dataset up to the cap.
CREATE TABLE recovered_charge (
    position        BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    recovery        BIGINT NOT NULL REFERENCES recovery (position),
    origin_position BIGINT CHECK (origin_position >= 1),
    origin_hash     BYTEA    CHECK (length(origin_hash) = 32),
    project         BIGINT REFERENCES project (position),
    dataset         BIGINT NOT NULL REFERENCES dataset (position),
    rho             BIGINT NOT NULL CHECK (rho >= 0),
    delta           BIGINT NOT NULL CHECK (delta >= 0),
    epsilon         BIGINT NOT NULL CHECK (epsilon >= 0),
    dataset_rho     BIGINT NOT NULL CHECK (dataset_rho >= 0),
    dataset_delta   BIGINT NOT NULL CHECK (dataset_delta >= 0),
    dataset_epsilon BIGINT NOT NULL CHECK (dataset_epsilon >= 0),
    UNIQUE (origin_hash, dataset),
    CHECK ((origin_position IS NULL) = (origin_hash IS NULL))
);

-- `sequence` counts the moves of an account: a spender names the one that it read. What another
-- branch spent may pass a cap, so the bound moves from a check into a trigger.
ALTER TABLE account
    DROP CONSTRAINT account_check,
    DROP CONSTRAINT account_check1,
    DROP CONSTRAINT account_check2,
    ADD CHECK (spent_rho >= 0),
    ADD CHECK (spent_delta >= 0),
    ADD CHECK (spent_epsilon >= 0),
    ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0 CHECK (sequence >= 0);
UPDATE account SET sequence =
    (SELECT count(*) FROM charge c WHERE c.project = holder)
    + (SELECT count(*) FROM charge c JOIN project p ON p.position = c.project
       WHERE p.dataset = holder);

CREATE FUNCTION account_counts_its_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <> OLD.sequence + (NEW.spent_rho > OLD.spent_rho
        OR NEW.spent_delta > OLD.spent_delta
        OR NEW.spent_epsilon > OLD.spent_epsilon)::int
    THEN
        RAISE EXCEPTION 'each move of an account is counted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_counts_its_moves BEFORE UPDATE ON account
FOR EACH ROW EXECUTE FUNCTION account_counts_its_moves();

CREATE FUNCTION account_within_cap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.spent_rho > greatest(OLD.spent_rho, NEW.cap_rho)
            OR NEW.spent_delta > greatest(OLD.spent_delta, NEW.cap_delta)
            OR NEW.spent_epsilon > greatest(OLD.spent_epsilon, NEW.cap_epsilon))
        AND NOT EXISTS (
            SELECT 1 FROM recovered_charge r
            WHERE r.position = (SELECT max(position) FROM entry)
              AND (r.dataset = NEW.holder OR r.project = NEW.holder))
    THEN
        RAISE EXCEPTION 'only what another branch spent may pass a cap';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_within_cap BEFORE UPDATE ON account
FOR EACH ROW EXECUTE FUNCTION account_within_cap();

CREATE TRIGGER signing_key_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_key
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER project_dataset_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON project_dataset
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER charge_share_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge_share
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER recovery_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER recovered_charge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovered_charge
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
