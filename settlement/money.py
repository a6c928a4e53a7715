"""Integer fen inside, yuan at the edges, and the one way a fraction of a fen is rounded."""

from decimal import Decimal

FEN_PER_YUAN = 100
SIGNS = {"CNY": "¥", "HKD": "HK$"}


def half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, ties to the even one. The denominator is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient


def to_yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def to_fen(yuan: Decimal) -> int:
    """Exact: an amount finer than a fen is refused with ValueError."""
    fen = yuan * FEN_PER_YUAN
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise ValueError(f"{yuan} yuan is not a whole number of fen")
    return int(fen)


def show_yuan(fen: int) -> str:
    """`¥1,234.56`: the sign goes first."""
    return f"{'-' if fen < 0 else ''}¥{abs(to_yuan(fen)):,.2f}"


def show_amount(fen: int, currency: str) -> str:
    """`HK$1,234.56`, `¥1,234.56`; in full where a currency has no sign here: `USD 1,234.56`."""
    sign = SIGNS.get(currency, f"{currency} ")
    return f"{'-' if fen < 0 else ''}{sign}{abs(to_yuan(fen)):,.2f}"
