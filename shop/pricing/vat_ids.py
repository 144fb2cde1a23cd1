"""VAT ids: whether one can be right, and how it is written. Whether it was given out, only VIES knows (vies.py)."""

from __future__ import annotations

from stdnum.ch import vat as swiss
from stdnum.eu import vat as european
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as british
from stdnum.no import mva as norwegian

from shop.errors import ShopError

# Countries whose VAT ids begin otherwise than their ISO code.
PREFIXES = {"GR": "EL", "CH": "CHE"}
MEMBERS = frozenset(code.upper() for code in european.MEMBER_STATES) - {"XI"}


class VatIdInvalid(ShopError):
    code = "vat_id_invalid"
    message = "This does not look like a VAT id. One looks like IE6388047V, with the country in front."


class VatIdNeedsCompany(ShopError):
    code = "vat_id_needs_company"
    message = "Please enter the company in the address: a VAT id belongs to one."


def read_vat_id(typed: str, country: str) -> str:
    """The id as it is written on an invoice; without its prefix it is taken for one of `country`.

    Raises VatIdInvalid. Knows the EU with Northern Ireland (XI), the United Kingdom, Switzerland and Norway.
    """
    typed = "".join(typed.upper().split())
    for written in (typed, PREFIXES.get(country, country) + typed):
        try:
            return _checked(written)
        except ValidationError:
            continue
    raise VatIdInvalid


def _checked(written: str) -> str:
    match written[:2]:
        case "GB":
            return "GB" + british.validate(written)
        case "CH":
            return swiss.format(swiss.validate(written))
        case "NO":
            return "NO" + norwegian.validate(written)
        case _:
            return european.validate(written)


def member_of(vat_id: str) -> str:
    """The member of the VAT area that gave a valid id out, XI being Northern Ireland; empty for any other."""
    if not vat_id or not european.is_valid(vat_id):
        return ""
    prefix = vat_id[:2]
    return "GR" if prefix == "EL" else prefix if prefix in MEMBERS | {"XI"} else ""
