/**
 * The tables of entries, and the functions that change them: each is one round trip and one transaction, in which no
 * other server changes the same account.
 */

/** A migration: never change it, add one. */
export const STORED_ENTRIES = `
  CREATE TABLE stored_chains (
    account_id text NOT NULL,
    id text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    used_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    PRIMARY KEY (account_id, id)
  );
  CREATE INDEX ON stored_chains (account_id, used_at_ms, id, bytes);
  CREATE INDEX ON stored_chains (expires_at_ms);

  CREATE TABLE stored_entries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL,
    id text NOT NULL,
    chain_id text NOT NULL,
    previous_id text,
    created_at_ms bigint NOT NULL,
    bytes bigint NOT NULL,
    content bytea NOT NULL,
    UNIQUE (account_id, kind, scope, id),
    FOREIGN KEY (account_id, chain_id) REFERENCES stored_chains (account_id, id) ON DELETE CASCADE
  );
  CREATE INDEX ON stored_entries (account_id, chain_id);
  CREATE INDEX ON stored_entries (account_id, kind, scope, seq);

  CREATE TABLE stored_item_ids (
    account_id text NOT NULL,
    item_id text NOT NULL,
    entry_seq bigint NOT NULL REFERENCES stored_entries (seq) ON DELETE CASCADE,
    PRIMARY KEY (account_id, item_id, entry_seq)
  );
  CREATE INDEX ON stored_item_ids (entry_seq);

  CREATE FUNCTION lock_stored_account(the_account text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(721509352, hashtext(the_account))
  $$;

  -- Evicts other chains of the account, the least recently used first, until so many bytes fit.
  CREATE FUNCTION evict_stored_chains(the_account text, the_chain text, added bigint, bytes_max bigint)
  RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    freed bigint;
    excess bigint := added - bytes_max
      + (SELECT coalesce(sum(bytes), 0) FROM stored_chains WHERE account_id = the_account);
  BEGIN
    WHILE excess > 0 LOOP
      DELETE FROM stored_chains WHERE account_id = the_account AND id = (
        SELECT id FROM stored_chains WHERE account_id = the_account AND id <> the_chain
        ORDER BY used_at_ms, id LIMIT 1
      ) RETURNING bytes INTO freed;
      EXIT WHEN NOT FOUND;
      excess := excess - freed;
    END LOOP;
  END $$;

  -- Either begins a chain or joins that of an entry. owners has, for each item id, which of the entries it belongs to.
  CREATE FUNCTION insert_stored_entries(
    the_account text, begun_chain text, joined_kind text, joined_id text, refuses_taken boolean,
    now_ms bigint, kept_until_ms bigint, bytes_max bigint,
    kinds text[], ids text[], previous_ids text[], created_at bigint[], sizes bigint[], contents bytea[],
    item_ids text[], owners integer[]
  ) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    the_chain text := begun_chain;
    kept bigint[];
    added bigint;
  BEGIN
    PERFORM lock_stored_account(the_account);
    IF the_chain IS NULL THEN
      SELECT chain_id INTO the_chain FROM stored_entries
      WHERE account_id = the_account AND kind = joined_kind AND scope = '' AND id = joined_id;
      IF NOT FOUND THEN RETURN 'absent'; END IF;
    END IF;
    kept := ARRAY(
      SELECT entry.position FROM unnest(kinds, ids) WITH ORDINALITY AS entry (kind, id, position)
      WHERE entry.kind <> 'item' OR NOT EXISTS (
        SELECT 1 FROM stored_entries AS other
        WHERE other.account_id = the_account AND other.kind = 'item' AND other.scope = the_chain
          AND other.id = entry.id
      )
      ORDER BY entry.position
    );
    IF refuses_taken AND cardinality(kept) < cardinality(ids) THEN RETURN 'taken'; END IF;
    added := (SELECT coalesce(sum(sizes[position]), 0) FROM unnest(kept) AS position);
    IF added + coalesce(
      (SELECT bytes FROM stored_chains WHERE account_id = the_account AND id = the_chain), 0
    ) > bytes_max THEN RETURN 'full'; END IF;
    PERFORM evict_stored_chains(the_account, the_chain, added, bytes_max);
    INSERT INTO stored_chains AS chain (account_id, id, bytes, used_at_ms, expires_at_ms)
    VALUES (the_account, the_chain, added, now_ms, kept_until_ms)
    ON CONFLICT (account_id, id) DO UPDATE SET
      bytes = chain.bytes + excluded.bytes,
      used_at_ms = greatest(chain.used_at_ms, excluded.used_at_ms),
      expires_at_ms = greatest(chain.expires_at_ms, excluded.expires_at_ms);
    WITH inserted AS (
      INSERT INTO stored_entries
        (account_id, kind, scope, id, chain_id, previous_id, created_at_ms, bytes, content)
      SELECT the_account, kinds[at], CASE kinds[at] WHEN 'item' THEN the_chain ELSE '' END, ids[at], the_chain,
        previous_ids[at], created_at[at], sizes[at], contents[at]
      FROM unnest(kept) AS at ORDER BY at
      RETURNING seq, kind, id
    )
    INSERT INTO stored_item_ids (account_id, item_id, entry_seq)
    SELECT the_account, item.id, inserted.seq FROM unnest(item_ids, owners) AS item (id, owner)
    JOIN inserted ON inserted.kind = kinds[item.owner] AND inserted.id = ids[item.owner];
    RETURN 'stored';
  END $$;

  CREATE FUNCTION replace_stored_entry(
    the_account text, the_kind text, the_scope text, the_id text, new_content bytea, bytes_max bigint
  ) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    found_entry record;
    added bigint;
  BEGIN
    PERFORM lock_stored_account(the_account);
    SELECT entry.seq, entry.chain_id, chain.bytes, length(entry.content) AS length INTO found_entry
    FROM stored_entries AS entry JOIN stored_chains AS chain
      ON chain.account_id = entry.account_id AND chain.id = entry.chain_id
    WHERE entry.account_id = the_account AND kind = the_kind AND scope = the_scope AND entry.id = the_id;
    IF NOT FOUND THEN RETURN 'absent'; END IF;
    added := length(new_content) - found_entry.length;
    IF added > 0 AND found_entry.bytes + added > bytes_max THEN RETURN 'full'; END IF;
    PERFORM evict_stored_chains(the_account, found_entry.chain_id, added, bytes_max);
    UPDATE stored_entries SET content = new_content, bytes = bytes + added WHERE seq = found_entry.seq;
    UPDATE stored_chains SET bytes = bytes + added WHERE account_id = the_account AND id = found_entry.chain_id;
    RETURN 'stored';
  END $$;

  -- An empty chain goes with its last entry.
  CREATE FUNCTION remove_stored_entry(
    the_account text, the_kind text, the_scope text, the_id text, with_chain boolean
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    the_chain text;
    freed bigint;
  BEGIN
    PERFORM lock_stored_account(the_account);
    DELETE FROM stored_entries
    WHERE account_id = the_account AND kind = the_kind AND scope = the_scope AND id = the_id
    RETURNING chain_id, bytes INTO the_chain, freed;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE stored_chains SET bytes = bytes - freed WHERE account_id = the_account AND id = the_chain;
    DELETE FROM stored_chains WHERE account_id = the_account AND id = the_chain AND (
      with_chain OR NOT EXISTS (SELECT 1 FROM stored_entries WHERE account_id = the_account AND chain_id = the_chain)
    );
    RETURN true;
  END $$;
`;
