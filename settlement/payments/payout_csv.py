"""The payout file, as Chinese banks' batch payment takes it, and the bank's answer."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from settlement.money import to_yuan
from settlement.payments.csv_table import read_fen, read_table
from settlement.payments.models import Payout
from settlement.payments.reference import PAYOUT, number_in
from settlement.spreadsheet import BYTE_ORDER_MARK, plain

HEADER = ["流水号", "收款户名", "收款账号", "收款银行", "联行号", "金额", "附言"]
REMARK = "算盘提现"

RESULT_COLUMNS = {
    "serial": ("serial", "流水号", "业务编号", "附言"),
    "result": ("result", "结果", "处理结果", "交易状态", "状态"),
    "amount": ("amount", "金额", "交易金额"),
    "reason": ("reason", "失败原因", "原因", "处理信息"),
}
OPTIONAL = {"amount", "reason"}
PAID = {"paid", "success", "成功", "交易成功", "付款成功", "已付款"}
FAILED = {"failed", "rejected", "失败", "交易失败", "付款失败", "退票", "已退回"}


@dataclass(frozen=True)
class PayoutResult:
    """What the bank says of one payout, with the file's line; `amount` in fen where the file has it."""

    line: int
    payout_id: int
    paid: bool
    amount: int | None
    reason: str


def render_payouts(payouts: Sequence[Payout]) -> str:
    """The rows in the payouts' order, with their accounts loaded. The same payouts give the same text."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([BYTE_ORDER_MARK + HEADER[0], *HEADER[1:]])
    for payout in payouts:
        account = payout.account
        assert account is not None, "a bank payout has its account: payout_knows_where_it_goes"
        writer.writerow(
            [
                payout.serial,
                _cell(account.holder),
                account.number,
                _cell(account.bank),
                account.cnaps,
                to_yuan(payout.amount),
                f"{payout.serial} {REMARK}",
            ]
        )
    return text.getvalue()


def _cell(text: str) -> str:
    return plain(re.sub(r"\s+", " ", text))


def read_results(csv_text: str) -> list[PayoutResult]:
    """Raises BadStatement, naming every line that cannot be read."""
    return read_table(
        csv_text,
        columns=RESULT_COLUMNS,
        optional=OPTIONAL,
        read=_result,
        key=lambda result: str(result.payout_id),
    )


def _result(line: int, cells: Mapping[str, str]) -> PayoutResult:
    number = number_in(cells["serial"], PAYOUT)
    if number is None:
        raise ValueError(_("“%(text)s” is not a payout's serial number.") % {"text": cells["serial"]})
    word = cells["result"].lower()
    if word not in PAID | FAILED:
        raise ValueError(_("“%(text)s” says neither paid nor failed.") % {"text": cells["result"]})
    amount = cells.get("amount", "")
    if amount and read_fen(amount) is None:
        raise ValueError(_("“%(text)s” is not an amount such as 1,234.56.") % {"text": amount})
    return PayoutResult(
        line, number, word in PAID, read_fen(amount) if amount else None, cells.get("reason", "")
    )
