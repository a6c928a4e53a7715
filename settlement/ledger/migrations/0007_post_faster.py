"""`ledger_post` in fewer statements, `ledger_post_one` for the most frequent case, and `ledger_post_durably`, which
lets go of its locks before it waits for the disk."""

from django.db import migrations

REFUSE = r"""
CREATE FUNCTION ledger_refuse(kind text, balance bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the % account would go below zero', kind
    USING ERRCODE = 'SP001', DETAIL = kind || ' ' || -balance;
END $$
"""

POST = r"""
CREATE FUNCTION ledger_post(
    kinds text[], sources text[], source_ids text[], memos text[], reversed bigint[], entry_counts int[],
    posted timestamptz, transfer_places int[], entry_places int[], entry_accounts bigint[], entry_amounts bigint[],
    never_negative text[]
) RETURNS bigint[] LANGUAGE plpgsql
-- One plan, of index lookups, for every batch: planning anew would cost more than posting, and a plan made while
-- the tables were small must not scan them once they are large.
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT nextval('ledger_transfer_id_seq') FROM generate_series(1, cardinality(kinds)));
    inserted bigint;
BEGIN
    -- Keys before accounts, each in its order, so that no two callers wait for each other; and the accounts, which
    -- others wait for, as late as can be.
    INSERT INTO ledger_transfer (id, kind, source, source_id, memo, posted_at, reverses_id, entry_count, sha256)
    SELECT t.id, t.kind, t.source, t.source_id, t.memo, posted, t.reverses, t.entry_count, ''
    FROM unnest(ids, kinds, sources, source_ids, memos, reversed, entry_counts)
        AS t (id, kind, source, source_id, memo, reverses, entry_count)
    ORDER BY t.source, t.source_id, t.kind, t.id
    ON CONFLICT ON CONSTRAINT transfer_once DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;

    PERFORM FROM ledger_account a WHERE a.id = ANY (entry_accounts) ORDER BY a.id FOR NO KEY UPDATE;

    -- A replay inserted no transfer, so its entries find none to join.
    WITH entered AS (
        INSERT INTO ledger_entry (transfer_id, place, entry_count, account_id, amount, balance_after, version)
        SELECT t.id, e.place, t.entry_count, e.account, e.amount,
            a.balance + sum(e.amount) OVER w, a.version + row_number() OVER w
        FROM unnest(transfer_places, entry_places, entry_accounts, entry_amounts) WITH ORDINALITY
            AS e (transfer_place, place, account, amount, line)
        JOIN ledger_transfer t ON t.id = ids[e.transfer_place]
        LEFT JOIN ledger_account a ON a.id = e.account
        WINDOW w AS (PARTITION BY e.account ORDER BY e.line)
        ORDER BY e.line
        RETURNING account_id, amount, balance_after
    ), moved AS (
        SELECT e.account_id, sum(e.amount) AS amount, count(*) AS entries, min(e.balance_after) AS lowest
        FROM entered e GROUP BY e.account_id
    )
    UPDATE ledger_account a
    SET version = a.version + moved.entries, balance = CASE
        WHEN moved.lowest < 0 AND a.kind = ANY (never_negative) THEN ledger_refuse(a.kind, moved.lowest)
        ELSE a.balance + moved.amount
    END
    FROM moved WHERE a.id = moved.account_id;

    IF inserted < cardinality(kinds) THEN  -- The place of what had been posted before is empty.
        ids := ARRAY(
            SELECT t.id FROM unnest(ids) WITH ORDINALITY AS p (id, place)
            LEFT JOIN ledger_transfer t ON t.id = p.id ORDER BY p.place
        );
    END IF;
    RETURN ids;
END $$
"""

POST_ONE = r"""
-- One transfer whose accounts are in their order, none of them twice: no window and no sort, so half the work.
CREATE FUNCTION ledger_post_one(
    kind text, source text, source_id text, memo text, posted timestamptz, accounts bigint[], amounts bigint[],
    never_negative text[]
) RETURNS bigint LANGUAGE plpgsql
-- And only a nested loop, which locks the accounts in the order in which they come.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    transfer bigint;
BEGIN
    INSERT INTO ledger_transfer (kind, source, source_id, memo, posted_at, entry_count, sha256)
    VALUES (kind, source, source_id, memo, posted, cardinality(accounts), '')
    ON CONFLICT ON CONSTRAINT transfer_once DO NOTHING RETURNING id INTO transfer;
    IF transfer IS NULL THEN
        RETURN NULL;
    END IF;

    WITH moved AS (
        UPDATE ledger_account a
        SET version = a.version + 1, balance = CASE
            WHEN a.balance + e.amount < 0 AND a.kind = ANY (never_negative)
            THEN ledger_refuse(a.kind, a.balance + e.amount)
            ELSE a.balance + e.amount
        END
        FROM unnest(accounts, amounts) WITH ORDINALITY AS e (account, amount, place) WHERE a.id = e.account
        RETURNING e.place, a.id, e.amount, a.balance, a.version
    )
    INSERT INTO ledger_entry (transfer_id, place, entry_count, account_id, amount, balance_after, version)
    SELECT transfer, m.place, cardinality(accounts), m.id, m.amount, m.balance, m.version FROM moved m;
    RETURN transfer;
END $$
"""

POST_DURABLY = r"""
CREATE PROCEDURE ledger_post_durably(
    kind text, source text, source_id text, memo text, posted timestamptz, accounts bigint[], amounts bigint[],
    never_negative text[], INOUT id bigint
) LANGUAGE plpgsql AS $$
DECLARE  -- An assignment is evaluated at once, where PERFORM plans and runs a query.
    setting text := set_config('synchronous_commit', 'off', true);
    written pg_lsn;
BEGIN
    id := ledger_post_one(kind, source, source_id, memo, posted, accounts, amounts, never_negative);
    COMMIT;
    -- A transaction that comes later in the log: once its commit is on the disk, so is the transfer.
    written := pg_logical_emit_message(true, 'ledger', '');
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_entries_in_their_place")]
    operations = [
        migrations.RunSQL("DROP FUNCTION ledger_post", migrations.RunSQL.noop),
        migrations.RunSQL(REFUSE, "DROP FUNCTION ledger_refuse"),
        migrations.RunSQL(POST, "DROP FUNCTION ledger_post"),
        migrations.RunSQL(POST_ONE, "DROP FUNCTION ledger_post_one"),
        migrations.RunSQL(POST_DURABLY, "DROP PROCEDURE ledger_post_durably"),
    ]
