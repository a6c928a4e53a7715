"""The one door through which the exchange calls an address that a stranger chose.

The name is resolved once, every address is checked, and the connection goes to one that was checked: a name
that points elsewhere a moment later leads nowhere. Redirects are not followed.
"""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

TIMEOUT = Timeout(connect=5, read=10)  # seconds
PORTS = {"http": 80, "https": 443}
# They carry an IPv4 address inside, which would reach what the address itself does not show.
TRANSLATED = [ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")]


class Unreachable(Exception):
    """No answer came, or the address is one that the exchange does not call."""


def is_callable(url: str) -> bool:
    """Whether an address has a form that may be called: https, a host, no user's name, no fragment."""
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0
    except ValueError:
        return False
    schemes = ("https", "http") if settings.WEBHOOKS_TO_PRIVATE else ("https",)
    return bool(named) and parts.scheme in schemes and not parts.username and not parts.fragment


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """Post `body`; returns the status of the answer, whose body is not read. Raises Unreachable."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or PORTS[parts.scheme]
    address = _address_of(host, port)
    pool = (
        HTTPSConnectionPool(address, port, timeout=TIMEOUT, server_hostname=host)
        if parts.scheme == "https"
        else HTTPConnectionPool(address, port, timeout=TIMEOUT)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with pool:
        try:
            answer = pool.urlopen(
                "POST",
                target,
                body=body,
                headers={**headers, "Host": parts.netloc},
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise Unreachable(str(error)) from error
        answer.close()
        return answer.status


def _address_of(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address: {error}") from error
    addresses = [str(each[4][0]) for each in found]
    for address in addresses:
        if not settings.WEBHOOKS_TO_PRIVATE and not _is_public(address):
            raise Unreachable(f"{host} leads to {address}, which is not on the public internet.")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
