/** The tables of responses that run in the background. A migration: never change it, add one. */
export const RESPONSE_RUNS = `
  CREATE TABLE response_runs (
    account_id text NOT NULL,
    id text NOT NULL,
    owner text NOT NULL,
    created_at_ms bigint NOT NULL,
    lease_until_ms bigint,
    kept_until_ms bigint,
    is_cancelling smallint NOT NULL DEFAULT 0,
    event_count integer NOT NULL DEFAULT 0,
    content bytea NOT NULL,
    checkpoint bytea,
    PRIMARY KEY (account_id, id)
  );
  CREATE INDEX ON response_runs (lease_until_ms);
  CREATE INDEX ON response_runs (kept_until_ms);

  CREATE TABLE response_run_events (
    account_id text NOT NULL,
    run_id text NOT NULL,
    first_number integer NOT NULL,
    last_number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (account_id, run_id, first_number),
    FOREIGN KEY (account_id, run_id) REFERENCES response_runs (account_id, id) ON DELETE CASCADE
  );
`;
