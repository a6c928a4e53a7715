"""What the database itself refuses, under any concurrency: to promise one unit of a pool twice in a slot.

The units a pool has *committed* in a slot are all units of its active capacities, and what its paused and
withdrawn ones have already sold. Every trigger below locks the pool's row before it sums, so that of two
transactions that would commit the same units the second sees what the first wrote.
"""

import pgtrigger

SHRUNK = pgtrigger.Q(new__units__lt=pgtrigger.F("old__units"))
RESUMED = pgtrigger.Q(new__status="active") & ~pgtrigger.Q(old__status="active")


def refuse_overcommitted(hours: str) -> str:
    """PL/pgSQL that raises where a pool is overcommitted in any of `hours`: a query of (pool_id, slot)."""
    return f"""
        PERFORM 1 FROM listings_pool
        WHERE id IN (SELECT pool_id FROM ({hours}) AS touched) ORDER BY id FOR NO KEY UPDATE;

        SELECT pool.id AS pool, pool.units AS units, hour.slot AS slot,
               sum(CASE WHEN capacity.status = 'active' THEN hour.units ELSE hour.sold END) AS committed
        INTO refused
        FROM listings_pool AS pool
        JOIN listings_capacity AS capacity ON capacity.pool_id = pool.id
        JOIN listings_capacityhour AS hour ON hour.capacity_id = capacity.id
        WHERE (pool.id, hour.slot) IN (SELECT pool_id, slot FROM ({hours}) AS touched)
          AND (pool.units_since IS NULL OR hour.slot >= pool.units_since)
        GROUP BY pool.id, hour.slot
        HAVING sum(CASE WHEN capacity.status = 'active' THEN hour.units ELSE hour.sold END) > pool.units
        ORDER BY hour.slot
        LIMIT 1;

        IF FOUND THEN
            RAISE EXCEPTION 'pool % has % units, and % would be committed at %',
                refused.pool, refused.units, refused.committed, refused.slot
                USING ERRCODE = 'check_violation', CONSTRAINT = 'pool_never_overcommitted';
        END IF;
        RETURN NULL;
    """


REFUSED = [("refused", "RECORD")]

POOL_KEEPS_WHAT_IT_COMMITTED = pgtrigger.Trigger(
    name="keeps_what_it_committed",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    condition=SHRUNK,
    declare=REFUSED,
    func=refuse_overcommitted(
        """SELECT NEW.id AS pool_id, hour.slot FROM listings_capacityhour AS hour
           JOIN listings_capacity AS capacity ON capacity.id = hour.capacity_id
           WHERE capacity.pool_id = NEW.id"""
    ),
)

RESUMED_CAPACITY_FITS = pgtrigger.Trigger(
    name="resumed_fits_the_pool",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    condition=RESUMED,
    declare=REFUSED,
    func=refuse_overcommitted(
        "SELECT NEW.pool_id AS pool_id, slot FROM listings_capacityhour WHERE capacity_id = NEW.id"
    ),
)

LISTED_HOURS_FIT = pgtrigger.Trigger(
    name="listed_fits_the_pool",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="listed"),
    declare=REFUSED,
    func=refuse_overcommitted(
        """SELECT capacity.pool_id, listed.slot FROM listed
           JOIN listings_capacity AS capacity ON capacity.id = listed.capacity_id"""
    ),
)

GROWN_HOURS_FIT = pgtrigger.Trigger(
    name="grown_fits_the_pool",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    referencing=pgtrigger.Referencing(old="before", new="after"),
    declare=REFUSED,
    func=refuse_overcommitted(
        """SELECT capacity.pool_id, after.slot FROM after
           JOIN before ON before.id = after.id AND after.units > before.units
           JOIN listings_capacity AS capacity ON capacity.id = after.capacity_id"""
    ),
)

# The share lock makes a sale and the pausing of its capacity wait for each other.
ONLY_ACTIVE_CAPACITY_SELLS = pgtrigger.Trigger(
    name="only_active_sells",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    referencing=pgtrigger.Referencing(old="before", new="after"),
    declare=[("refused", "BIGINT")],
    func="""
        PERFORM 1 FROM listings_capacity WHERE id IN (
            SELECT after.capacity_id
            FROM after JOIN before ON before.id = after.id AND after.sold > before.sold
        ) ORDER BY id FOR SHARE;

        SELECT capacity.id INTO refused
        FROM after JOIN before ON before.id = after.id AND after.sold > before.sold
        JOIN listings_capacity AS capacity ON capacity.id = after.capacity_id AND capacity.status <> 'active'
        LIMIT 1;

        IF FOUND THEN
            RAISE EXCEPTION 'capacity % is not active', refused
                USING ERRCODE = 'check_violation', CONSTRAINT = 'only_active_capacity_sells';
        END IF;
        RETURN NULL;
    """,
)

SOLD_HOURS_STAY = pgtrigger.Protect(
    name="sold_stays", operation=pgtrigger.Delete, condition=pgtrigger.Q(old__sold__gt=0)
)
