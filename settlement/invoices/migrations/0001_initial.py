

import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0006_name_the_registered_twice'),
        ('contracts', '0003_signatures'),
        ('ledger', '0004_kinds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.BigIntegerField(unique=True)),
                ('kind', models.CharField(choices=[('top_up', 'Top-up'), ('suspense', 'Received, owner not yet known'), ('hold', 'Held for an order'), ('hold_posted', 'Order became a contract'), ('hold_voided', 'Hold released'), ('hold_expired', 'Hold expired'), ('release', 'Delivery paid'), ('service_credit', 'Service-level credit'), ('undelivered', 'Not metered, back to the buyer'), ('dispute_refund', 'Dispute decided, back to the buyer'), ('meter_correction', 'Corrected after payment, back to the buyer'), ('termination', 'Contract terminated'), ('refund', 'Refunded to the card'), ('refund_failed', 'Refund failed'), ('chargeback', 'Chargeback'), ('chargeback_won', 'Chargeback won'), ('arrears_paid', 'Arrears paid'), ('processing_cost', 'Processing cost'), ('payout', 'Payout'), ('payout_paid', 'Payout paid'), ('payout_failed', 'Payout failed'), ('programme_funded', 'Voucher programme funded'), ('programme_closed', 'Voucher programme closed'), ('manual', 'Manual transfer'), ('reversal', 'Correction')], max_length=20, verbose_name='kind')),
                ('posted_at', models.DateTimeField(verbose_name='posted')),
                ('supply', models.BigIntegerField(verbose_name='supplied (fen)')),
                ('fee', models.BigIntegerField(verbose_name='fee (fen)')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(verbose_name='until')),
                ('hours', models.PositiveIntegerField(default=0, verbose_name='hours')),
                ('buyer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='contracts.contract')),
                ('provider', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('transfer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.transfer')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series', models.CharField(choices=[('INV', 'Invoice'), ('FEE', 'Fee invoice'), ('CN', 'Credit note')], max_length=3, verbose_name='document')),
                ('year', models.PositiveSmallIntegerField()),
                ('serial', models.PositiveIntegerField()),
                ('number', models.CharField(max_length=20, unique=True, verbose_name='number')),
                ('kind', models.CharField(choices=[('supply', 'Compute and licences'), ('fee', 'Platform fee')], max_length=10, verbose_name='for')),
                ('period_start', models.DateTimeField(verbose_name='from')),
                ('period_end', models.DateTimeField(verbose_name='until')),
                ('currency', models.CharField(choices=[('CNY', 'Renminbi'), ('HKD', 'Hong Kong dollar')], default='CNY', max_length=3, verbose_name='currency')),
                ('gross', models.BigIntegerField(verbose_name='total (fen)')),
                ('net', models.BigIntegerField(verbose_name='without VAT (fen)')),
                ('tax', models.BigIntegerField(verbose_name='VAT (fen)')),
                ('issued_at', models.DateTimeField(verbose_name='issued')),
                ('document', models.TextField()),
                ('sha256', models.CharField(max_length=64, unique=True, verbose_name='SHA-256')),
                ('signature', models.CharField(max_length=86)),
                ('contract', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='own_invoices', to='contracts.contract')),
                ('corrects', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='invoices.invoice', verbose_name='corrects')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices_received', to='accounts.organisation')),
                ('seller', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invoices_sold', to='accounts.organisation')),
                ('signed_with', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contracts.signingkey', to_field='kid')),
            ],
            options={
                'verbose_name': 'invoice',
                'verbose_name_plural': 'invoices',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='FapiaoRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('requested', 'Requested'), ('issued', 'Issued')], default='requested', max_length=10, verbose_name='status')),
                ('requested_at', models.DateTimeField(verbose_name='requested')),
                ('number', models.CharField(blank=True, max_length=20, verbose_name='fapiao number')),
                ('issued_on', models.DateField(blank=True, null=True, verbose_name='date of the fapiao')),
                ('entered_at', models.DateTimeField(blank=True, null=True, verbose_name='entered')),
                ('entered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invoice', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='fapiao', to='invoices.invoice')),
            ],
            options={
                'verbose_name': 'fapiao',
                'verbose_name_plural': 'fapiao',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('vat_basis_points', models.PositiveIntegerField(verbose_name='VAT (basis points)')),
                ('gross', models.BigIntegerField(verbose_name='total (fen)')),
                ('net', models.BigIntegerField(verbose_name='without VAT (fen)')),
                ('tax', models.BigIntegerField(verbose_name='VAT (fen)')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoice_lines', to='contracts.contract')),
                ('corrects', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='invoices.invoiceline')),
                ('invoice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='invoices.invoice')),
            ],
            options={
                'ordering': ['invoice', 'position'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('supply', 'Compute and licences'), ('fee', 'Platform fee')], max_length=10)),
                ('part', models.PositiveSmallIntegerField(default=0)),
                ('amount', models.BigIntegerField(verbose_name='amount (fen)')),
                ('charge', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='invoices.charge')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='invoices.invoiceline')),
            ],
        ),
        migrations.CreateModel(
            name='InvoiceProfile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200, verbose_name='invoice title')),
                ('tax_number', models.CharField(blank=True, max_length=40, verbose_name='tax number')),
                ('kind', models.CharField(choices=[('special', 'Special VAT fapiao'), ('ordinary', 'Ordinary VAT fapiao')], default='ordinary', max_length=10, verbose_name='kind of fapiao')),
                ('address', models.CharField(blank=True, max_length=200, verbose_name='registered address')),
                ('phone', models.CharField(blank=True, max_length=40, verbose_name='telephone')),
                ('bank', models.CharField(blank=True, max_length=100, verbose_name='bank')),
                ('bank_account', models.CharField(blank=True, max_length=40, verbose_name='bank account')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail for invoices')),
                ('cycle', models.CharField(choices=[('monthly', 'Every month, over all contracts'), ('contract', 'For each contract, when it ends')], default='monthly', max_length=10, verbose_name='invoices are issued')),
                ('organisation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='invoice_profile', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'invoice profile',
                'verbose_name_plural': 'invoice profiles',
            },
        ),
        migrations.CreateModel(
            name='NumberSeries',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series', models.CharField(max_length=3)),
                ('year', models.PositiveSmallIntegerField()),
                ('last', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'number series',
                'constraints': [models.UniqueConstraint(fields=('series', 'year'), name='number_series_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='numberseries',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='ad6b7378bfab46db85ea4400afa8531dc72f8b91', operation='DELETE', pgid='pgtrigger_never_deleted_0f3cb', table='invoices_numberseries', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='charge',
            index=models.Index(fields=['buyer', 'posted_at'], name='charge_by_buyer'),
        ),
        migrations.AddIndex(
            model_name='charge',
            index=models.Index(fields=['provider', 'posted_at'], name='charge_by_provider'),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.CheckConstraint(condition=models.Q(('fee', 0), ('supply', 0), _negated=True), name='charge_moves_something'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='charge',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='97dc8b3ddbde374661787bae2a4bff5239e92992', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c6515', table='invoices_charge', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['customer', '-id'], name='invoice_by_customer'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['seller', '-id'], name='invoice_by_seller'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('series', 'year', 'serial'), name='invoice_number_once'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('gross', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax'))), ('gross__gt', 0), ('net__gte', 0), ('tax__gte', 0)), name='invoice_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('corrects__isnull', False), ('series', 'CN')), models.Q(('corrects__isnull', True), ('kind', 'supply'), ('series', 'INV')), models.Q(('corrects__isnull', True), ('kind', 'fee'), ('series', 'FEE')), _connector='OR'), name='invoice_series_says_what_it_is'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'fee'), ('seller__isnull', True)), models.Q(('kind', 'supply'), ('seller__isnull', False)), _connector='OR'), name='invoice_platform_sells_its_fee'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('period_end__gt', models.F('period_start'))), name='invoice_period'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1cd29c250c662e64eb1402f19e23ccb959bd5805', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1df08', table='invoices_invoice', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='fapiaorequest',
            index=models.Index(condition=models.Q(('status', 'requested')), fields=['id'], name='fapiao_waiting'),
        ),
        migrations.AddConstraint(
            model_name='fapiaorequest',
            constraint=models.UniqueConstraint(condition=models.Q(('number', ''), _negated=True), fields=('number',), name='fapiao_number_once'),
        ),
        migrations.AddConstraint(
            model_name='fapiaorequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entered_at__isnull', True), ('issued_on__isnull', True), ('number', ''), ('status', 'requested')), models.Q(('entered_at__isnull', False), ('issued_on__isnull', False), ('status', 'issued'), models.Q(('number', ''), _negated=True)), _connector='OR'), name='fapiao_issued_has_its_number'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fapiaorequest',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='e98722e0bbc48384f29a59dd9e3e5de1c2ce3ec5', operation='DELETE', pgid='pgtrigger_never_deleted_bf037', table='invoices_fapiaorequest', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fapiaorequest',
            trigger=pgtrigger.compiler.Trigger(name='request_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."invoice_id" IS DISTINCT FROM (NEW."invoice_id") OR OLD."requested_by_id" IS DISTINCT FROM (NEW."requested_by_id") OR OLD."requested_at" IS DISTINCT FROM (NEW."requested_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='9e2b1db11075e64fb019828e86e46b0ecb9f7eb1', operation='UPDATE', pgid='pgtrigger_request_never_changes_d1685', table='invoices_fapiaorequest', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fapiaorequest',
            trigger=pgtrigger.compiler.Trigger(name='issued_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" = \'issued\')', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='368f2d57a75ca08f36b8d39cbc25856d10394726', operation='UPDATE', pgid='pgtrigger_issued_once_7ee69', table='invoices_fapiaorequest', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(fields=('invoice', 'position'), name='invoice_line_in_its_place'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('gross', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax'))), ('gross__gt', 0), ('net__gte', 0), ('tax__gte', 0)), name='invoice_line_adds_up'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceline',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='438e100720af42c369557f779f1b265d74cf5341', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_da244', table='invoices_invoiceline', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='invoiceitem',
            constraint=models.UniqueConstraint(fields=('charge', 'kind', 'part'), name='charge_invoiced_once'),
        ),
        migrations.AddConstraint(
            model_name='invoiceitem',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='invoice_item_is_something'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceitem',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9ef3d06dfb2f6657c403185d078808b3d17f2b16', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c14ac', table='invoices_invoiceitem', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='invoiceprofile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'special'), _negated=True), models.Q(('tax_number', ''), ('address', ''), ('phone', ''), ('bank', ''), ('bank_account', ''), _connector='OR', _negated=True), _connector='OR'), name='special_fapiao_has_all_fields'),
        ),
    ]
