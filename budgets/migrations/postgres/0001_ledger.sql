-- The first shape of the ledger, for PostgreSQL; everything is in the schema `voilage`.
--
-- Every row that matters is one entry of the chain: it has the entry's position as
-- its own key, and the entry's hash covers its columns. Rows are written once.
-- `account` alone changes, and only upwards: it holds the running sums that decide
-- whether a charge fits, and they can be recomputed from the charges at any time.
--
-- Units: rho in 1e-15, epsilon in 1e-12, delta in 1e-18, times in microseconds
-- since 1970 (UTC), dates as YYYY-MM-DD (UTC).

CREATE TABLE entry (
    position    BIGINT PRIMARY KEY CHECK (position >= 1),
    kind        TEXT    NOT NULL,
    recorded_us BIGINT NOT NULL,
    hash        BYTEA    NOT NULL CHECK (length(hash) = 32)
);

CREATE TABLE identity (
    position  BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED
              CHECK (position = 1),
    ledger_id BYTEA NOT NULL CHECK (length(ledger_id) = 16)
);

CREATE TABLE dataset (
    position    BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL UNIQUE,
    accountant  TEXT    NOT NULL CHECK (accountant IN ('zcdp', 'pure')),
    epsilon     BIGINT NOT NULL CHECK (epsilon > 0),
    delta       BIGINT CHECK (delta > 0),
    cap_rho     BIGINT NOT NULL CHECK (cap_rho >= 0),
    cap_delta   BIGINT NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon BIGINT NOT NULL CHECK (cap_epsilon >= 0),
    CHECK ((accountant = 'zcdp') = (delta IS NOT NULL))
);

CREATE TABLE data_version (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    dataset  BIGINT NOT NULL REFERENCES dataset (position),
    version  TEXT    NOT NULL UNIQUE CHECK (length(version) = 32)
);
CREATE INDEX data_version_by_dataset ON data_version (dataset, position);

CREATE TABLE project (
    position    BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL UNIQUE,
    dataset     BIGINT NOT NULL REFERENCES dataset (position),
    accountant  TEXT    NOT NULL CHECK (accountant IN ('zcdp', 'pure')),
    epsilon     BIGINT NOT NULL CHECK (epsilon > 0),
    delta       BIGINT CHECK (delta > 0),
    cap_rho     BIGINT NOT NULL CHECK (cap_rho >= 0),
    cap_delta   BIGINT NOT NULL CHECK (cap_delta >= 0),
    cap_epsilon BIGINT NOT NULL CHECK (cap_epsilon >= 0),
    CHECK ((accountant = 'zcdp') = (delta IS NOT NULL))
);

CREATE TABLE permit (
    position  BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project   BIGINT NOT NULL REFERENCES project (position),
    authority TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    purpose   TEXT    NOT NULL,
    starts    TEXT    NOT NULL CHECK (length(starts) = 10),
    ends      TEXT    NOT NULL CHECK (length(ends) = 10 AND ends >= starts)
);
CREATE INDEX permit_by_project ON permit (project, position);

CREATE TABLE charge (
    position            BIGINT PRIMARY KEY REFERENCES entry (position)
                        DEFERRABLE INITIALLY DEFERRED,
    project             BIGINT NOT NULL REFERENCES project (position),
    permit              BIGINT NOT NULL REFERENCES permit (position),
    principal           TEXT    NOT NULL,
    request_key         BYTEA    NOT NULL CHECK (length(request_key) = 32),
    request_hash        BYTEA    NOT NULL CHECK (length(request_hash) = 32),
    plan_hash           BYTEA    NOT NULL CHECK (length(plan_hash) = 32),
    data_version        TEXT    NOT NULL,
    boundaries          BIGINT NOT NULL CHECK (boundaries >= 1),
    bounding_key        BYTEA    NOT NULL CHECK (length(bounding_key) = 16),
    description         TEXT    NOT NULL,
    -- What the project pays, in its own accountant.
    rho                 BIGINT NOT NULL CHECK (rho >= 0),
    delta               BIGINT NOT NULL CHECK (delta >= 0),
    epsilon             BIGINT NOT NULL CHECK (epsilon >= 0),
    -- What the dataset pays for the same release, in its accountant.
    dataset_rho         BIGINT NOT NULL CHECK (dataset_rho >= 0),
    dataset_delta       BIGINT NOT NULL CHECK (dataset_delta >= 0),
    dataset_epsilon     BIGINT NOT NULL CHECK (dataset_epsilon >= 0),
    -- The project's sums once this charge is in them, so that a replay can repeat them.
    spent_rho_after     BIGINT NOT NULL CHECK (spent_rho_after >= rho),
    spent_delta_after   BIGINT NOT NULL CHECK (spent_delta_after >= delta),
    spent_epsilon_after BIGINT NOT NULL CHECK (spent_epsilon_after >= epsilon),
    CHECK (rho > 0 OR epsilon > 0),
    CHECK (dataset_rho > 0 OR dataset_epsilon > 0)
);
CREATE INDEX charge_by_request ON charge (project, request_key, position);

CREATE TABLE replay (
    position  BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge    BIGINT NOT NULL REFERENCES charge (position),
    principal TEXT    NOT NULL
);

CREATE TABLE attempt (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge   BIGINT NOT NULL REFERENCES charge (position),
    number   BIGINT NOT NULL CHECK (number BETWEEN 1 AND 3),
    UNIQUE (charge, number)
);

CREATE TABLE seal (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    charge   BIGINT NOT NULL REFERENCES charge (position),
    boundary BIGINT NOT NULL CHECK (boundary >= 0),
    attempt  BIGINT NOT NULL REFERENCES attempt (position),
    digest   BYTEA    NOT NULL CHECK (length(digest) = 32),
    UNIQUE (charge, boundary)
);

-- The chain covers these bytes through the digest in `seal`.
CREATE TABLE sealed_bytes (
    seal  BIGINT PRIMARY KEY REFERENCES seal (position) DEFERRABLE INITIALLY DEFERRED,
    bytes BYTEA NOT NULL
);

CREATE TABLE closure (
    position BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    project  BIGINT NOT NULL UNIQUE REFERENCES project (position),
    reason   TEXT    NOT NULL
);

-- One account per dataset and per project, keyed by the entry that opened it.
CREATE TABLE account (
    holder        BIGINT PRIMARY KEY REFERENCES entry (position) DEFERRABLE INITIALLY DEFERRED,
    cap_rho       BIGINT NOT NULL,
    cap_delta     BIGINT NOT NULL,
    cap_epsilon   BIGINT NOT NULL,
    spent_rho     BIGINT NOT NULL DEFAULT 0 CHECK (spent_rho BETWEEN 0 AND cap_rho),
    spent_delta   BIGINT NOT NULL DEFAULT 0 CHECK (spent_delta BETWEEN 0 AND cap_delta),
    spent_epsilon BIGINT NOT NULL DEFAULT 0 CHECK (spent_epsilon BETWEEN 0 AND cap_epsilon)
);

CREATE TABLE version (
    number BIGINT PRIMARY KEY
);

CREATE FUNCTION account_never_falls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.holder <> OLD.holder
        OR NEW.cap_rho <> OLD.cap_rho
        OR NEW.cap_delta <> OLD.cap_delta
        OR NEW.cap_epsilon <> OLD.cap_epsilon
        OR NEW.spent_rho < OLD.spent_rho
        OR NEW.spent_delta < OLD.spent_delta
        OR NEW.spent_epsilon < OLD.spent_epsilon
    THEN
        RAISE EXCEPTION 'spent budget never falls and a cap never moves';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_never_falls BEFORE UPDATE ON account
FOR EACH ROW EXECUTE FUNCTION account_never_falls();

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER account_stays BEFORE DELETE OR TRUNCATE ON account
FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A gap or a replaced entry would break the chain silently for whoever reads only its end.
CREATE FUNCTION entry_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM entry)
        OR NEW.recorded_us < (SELECT coalesce(max(recorded_us), NEW.recorded_us) FROM entry
                              WHERE position = NEW.position - 1)
    THEN
        RAISE EXCEPTION 'an entry follows the last one';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
FOR EACH ROW EXECUTE FUNCTION entry_follows();

CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER identity_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON identity
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER dataset_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dataset
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER data_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON data_version
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER project_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON project
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER permit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON permit
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER charge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER replay_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON replay
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER attempt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON attempt
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER sealed_bytes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_bytes
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER closure_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closure
FOR EACH STATEMENT EXECUTE FUNCTION append_only();
