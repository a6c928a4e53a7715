"""The CNAPS code (联行号) of a Chinese bank's branch: twelve digits, the last of which checks the others."""

LENGTH = 12


def is_cnaps(code: str) -> bool:
    """Its last digit follows ISO 7064 MOD 11,10 (GB/T 17710), as the People's Bank's standard asks."""
    if len(code) != LENGTH or not (code.isascii() and code.isdigit()):
        return False
    product = 10
    for digit in code[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(code[-1])
