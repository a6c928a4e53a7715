"""Amounts in Chinese capitals (大写), as cheques and contracts write them.

After the People's Bank of China's rules for filling in payment instruments (支付结算办法, annex 1): 整
ends whole yuan and whole jiao; one 零 stands for zeros inside, and before fen without jiao. Where the yuan or
the ten thousands are 0 and what follows is not, the rules leave 零 to the writer: it is left out.
"""

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("仟", "佰", "拾", "")
GROUPS = ("", "万", "亿")


def in_capitals(fen: int) -> str:
    """¥1,409.50 is 人民币壹仟肆佰零玖元伍角整. Raises ValueError below zero or from 10^12 yuan on."""
    yuan, rest = divmod(fen, 100)
    if fen < 0 or yuan >= 10**12:
        raise ValueError(f"{fen} fen cannot be written in capitals.")
    jiao, cents = divmod(rest, 10)
    whole = f"{_whole(yuan)}元" if yuan else ""
    if not rest:
        return f"人民币{whole or '零元'}整"
    parts = [f"{DIGITS[jiao]}角" if jiao else "零" if yuan else ""]
    parts.append(f"{DIGITS[cents]}分" if cents else "整")
    return f"人民币{whole}{''.join(parts)}"


def _whole(yuan: int) -> str:
    groups = []
    while yuan:
        yuan, group = divmod(yuan, 10_000)
        groups.append(group)
    words = ""
    gap = False
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = True
            continue
        if words and (gap or group < 1000):
            words += "零"
        words += _group(group) + GROUPS[place]
        gap = False
    return words


def _group(group: int) -> str:
    words = ""
    for place, digit in zip(PLACES, f"{group:04}", strict=True):
        if digit != "0":
            words += DIGITS[int(digit)] + place
        elif words and not words.endswith("零"):
            words += "零"
    return words.rstrip("零")
