"""`ledger_post`: the one way into the ledger, set-based, so that a batch costs few statements; and the
triggers that guard what comes in."""

from django.db import migrations

CREATE = r"""
CREATE FUNCTION ledger_post(
    kinds text[], sources text[], source_ids text[], memos text[], reversed bigint[], posted timestamptz,
    entry_places int[], entry_accounts bigint[], entry_amounts bigint[], never_negative text[]
) RETURNS TABLE (place int, id bigint) LANGUAGE plpgsql
-- One plan, of index lookups, for every batch: planning anew would cost more than posting, and a plan made while
-- the tables were small must not scan them once they are large.
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    ids bigint[];
    overdrawn record;
BEGIN
    -- Everybody locks in primary-key order, so two transfers over the same accounts cannot deadlock.
    PERFORM FROM ledger_account a WHERE a.id = ANY (entry_accounts) ORDER BY a.id FOR NO KEY UPDATE;

    ids := ARRAY(SELECT nextval('ledger_transfer_id_seq') FROM generate_series(1, cardinality(kinds)));
    INSERT INTO ledger_transfer (id, kind, source, source_id, memo, posted_at, reverses_id, sha256)
    SELECT t.id, t.kind, t.source, t.source_id, t.memo, posted, t.reverses, ''
    FROM unnest(ids, kinds, sources, source_ids, memos, reversed)
        AS t (id, kind, source, source_id, memo, reverses)
    ON CONFLICT (source, source_id, kind) DO NOTHING;

    -- A replay inserted no transfer, so its entries find none to join.
    INSERT INTO ledger_entry (transfer_id, account_id, amount, balance_after, version)
    SELECT t.id, e.account, e.amount, a.balance + sum(e.amount) OVER w, a.version + row_number() OVER w
    FROM unnest(entry_places, entry_accounts, entry_amounts) WITH ORDINALITY
        AS e (place, account, amount, line)
    JOIN ledger_transfer t ON t.id = ids[e.place]
    LEFT JOIN ledger_account a ON a.id = e.account
    WINDOW w AS (PARTITION BY e.account ORDER BY e.line)
    ORDER BY e.line;

    SELECT a.kind, e.balance_after INTO overdrawn
    FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
    WHERE e.transfer_id = ANY (ids) AND e.balance_after < 0 AND a.kind = ANY (never_negative)
    ORDER BY e.balance_after LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the % account would go below zero', overdrawn.kind
        USING ERRCODE = 'SP001', DETAIL = overdrawn.kind || ' ' || -overdrawn.balance_after;
    END IF;

    UPDATE ledger_account a SET balance = a.balance + moved.amount, version = a.version + moved.entries
    FROM (
        SELECT e.account_id, sum(e.amount) AS amount, count(*) AS entries
        FROM ledger_entry e WHERE e.transfer_id = ANY (ids) GROUP BY e.account_id
    ) moved
    WHERE a.id = moved.account_id;

    RETURN QUERY
    SELECT p.place::int, t.id FROM unnest(ids) WITH ORDINALITY AS p (id, place)
    JOIN ledger_transfer t ON t.id = p.id;
END $$
"""

# In plain SQL: each trigger that django-pgtrigger makes opens a subtransaction, and a deferred one then costs
# time that grows with the rows waiting for the commit.
SUMS_TO_ZERO = r"""
CREATE FUNCTION ledger_sums_to_zero() RETURNS trigger LANGUAGE plpgsql
-- It runs once a transfer: only index lookups will do, whatever the tables' sizes were when it was planned.
SET enable_seqscan = off
AS $$
BEGIN
    IF (SELECT count(*) FROM ledger_entry e WHERE e.transfer_id = NEW.id) < 2 OR EXISTS (
        SELECT FROM (
            SELECT e.amount, (SELECT a.currency FROM ledger_account a WHERE a.id = e.account_id) AS currency
            FROM ledger_entry e WHERE e.transfer_id = NEW.id
        ) line GROUP BY line.currency HAVING sum(line.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'transfer % does not have two entries or more that sum to zero', NEW.id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER sums_to_zero AFTER INSERT ON ledger_transfer
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_sums_to_zero();
"""

# The trigger above looks once, at the commit; this one keeps a transfer's entries as they were then.
ALL_AT_ONCE = r"""
CREATE FUNCTION ledger_entries_all_at_once() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY transfer_id
        HAVING count(*) <> (SELECT count(*) FROM ledger_entry e WHERE e.transfer_id = added.transfer_id)
    ) THEN
        RAISE EXCEPTION 'the entries of a transfer are written all at once'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER all_at_once AFTER INSERT ON ledger_entry
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_all_at_once();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(CREATE, "DROP FUNCTION ledger_post"),
        migrations.RunSQL(SUMS_TO_ZERO, "DROP FUNCTION ledger_sums_to_zero CASCADE"),
        migrations.RunSQL(ALL_AT_ONCE, "DROP FUNCTION ledger_entries_all_at_once CASCADE"),
    ]
