"""What the database itself holds of invoices: numbers without gaps, sums, and no more credited than charged."""

from django.db import migrations

NO_GAPS = r"""
CREATE FUNCTION invoices_number_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.serial <> 1 AND NOT EXISTS (
        SELECT FROM invoices_invoice i
        WHERE i.series = NEW.series AND i.year = NEW.year AND i.serial = NEW.serial - 1
    ) THEN
        RAISE EXCEPTION 'number % leaves a gap', NEW.number USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER no_gaps BEFORE INSERT ON invoices_invoice
FOR EACH ROW EXECUTE FUNCTION invoices_number_follows();
"""

# At the commit: the document's totals are those of its lines, and a credit note corrects lines of its invoice.
ADDS_UP = r"""
CREATE FUNCTION invoices_adds_up() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    IF (NEW.gross, NEW.net, NEW.tax) IS DISTINCT FROM (
        SELECT (sum(l.gross)::bigint, sum(l.net)::bigint, sum(l.tax)::bigint) FROM invoices_invoiceline l WHERE l.invoice_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'invoice % is not the sum of its lines', NEW.number
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (
        SELECT FROM invoices_invoiceline l LEFT JOIN invoices_invoiceline c ON c.id = l.corrects_id
        WHERE l.invoice_id = NEW.id AND c.invoice_id IS DISTINCT FROM NEW.corrects_id
    ) THEN
        RAISE EXCEPTION 'a line of % corrects another invoice', NEW.number
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON invoices_invoice
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_adds_up();

CREATE FUNCTION invoices_line_adds_up() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
DECLARE
    sign int := CASE WHEN NEW.corrects_id IS NULL THEN 1 ELSE -1 END;
BEGIN
    IF NEW.gross IS DISTINCT FROM (
        SELECT sign * sum(i.amount) FROM invoices_invoiceitem i
        JOIN invoices_invoice d ON d.id = NEW.invoice_id
        JOIN invoices_charge c ON c.id = i.charge_id AND c.contract_id = NEW.contract_id
        WHERE i.line_id = NEW.id AND i.kind = d.kind
    ) THEN
        RAISE EXCEPTION 'line % of invoice % is not the sum of its charges', NEW.position, NEW.invoice_id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON invoices_invoiceline
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_line_adds_up();

CREATE FUNCTION invoices_charge_whole() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    IF (SELECT sum(i.amount) FROM invoices_invoiceitem i WHERE i.charge_id = NEW.charge_id AND i.kind = NEW.kind)
        IS DISTINCT FROM
        (SELECT CASE NEW.kind WHEN 'fee' THEN c.fee ELSE c.supply END FROM invoices_charge c WHERE c.id = NEW.charge_id)
    THEN
        RAISE EXCEPTION 'charge % is not invoiced whole', NEW.charge_id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER charge_whole AFTER INSERT ON invoices_invoiceitem
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_charge_whole();
"""

# The triggers above look once, at the commit; these keep what hangs on a document as it was then.
ALL_AT_ONCE = r"""
CREATE FUNCTION invoices_lines_all_at_once() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY invoice_id
        HAVING count(*) <> (SELECT count(*) FROM invoices_invoiceline l WHERE l.invoice_id = added.invoice_id)
    ) THEN
        RAISE EXCEPTION 'the lines of an invoice are written all at once'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER all_at_once AFTER INSERT ON invoices_invoiceline
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION invoices_lines_all_at_once();

CREATE FUNCTION invoices_items_all_at_once() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY line_id
        HAVING count(*) <> (SELECT count(*) FROM invoices_invoiceitem i WHERE i.line_id = added.line_id)
    ) THEN
        RAISE EXCEPTION 'the charges of a line are written all at once'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER all_at_once AFTER INSERT ON invoices_invoiceitem
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION invoices_items_all_at_once();
"""

# The corrected line is locked before its credits are summed: of two credit notes at once the second sees the first.
NEVER_MORE = r"""
CREATE FUNCTION invoices_never_more_than_charged() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
DECLARE
    charged record;
    credited record;
BEGIN
    SELECT l.gross, l.net, l.tax, l.corrects_id, l.contract_id INTO charged
    FROM invoices_invoiceline l WHERE l.id = NEW.corrects_id FOR NO KEY UPDATE;
    SELECT sum(l.gross) AS gross, sum(l.net) AS net, sum(l.tax) AS tax INTO credited
    FROM invoices_invoiceline l WHERE l.corrects_id = NEW.corrects_id;
    IF charged.corrects_id IS NOT NULL OR charged.contract_id <> NEW.contract_id
        OR credited.gross > charged.gross OR credited.net > charged.net OR credited.tax > charged.tax
    THEN
        RAISE EXCEPTION 'more would be credited than line % charged', NEW.corrects_id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER never_more_than_charged AFTER INSERT ON invoices_invoiceline
FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL) EXECUTE FUNCTION invoices_never_more_than_charged();
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0001_initial")]
    operations = [
        migrations.RunSQL(NO_GAPS, "DROP FUNCTION invoices_number_follows CASCADE"),
        migrations.RunSQL(
            ADDS_UP,
            "DROP FUNCTION invoices_adds_up, invoices_line_adds_up, invoices_charge_whole CASCADE",
        ),
        migrations.RunSQL(
            ALL_AT_ONCE, "DROP FUNCTION invoices_lines_all_at_once, invoices_items_all_at_once CASCADE"
        ),
        migrations.RunSQL(NEVER_MORE, "DROP FUNCTION invoices_never_more_than_charged CASCADE"),
    ]
