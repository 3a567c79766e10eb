"""Until when certificates are good: of what :mod:`ssl` has loaded it tells that of authorities only.

The dates are read out of the DER (RFC 5280 section 4.1): in ``TBSCertificate`` an optional version, a serial number, an
algorithm and a name come before the two of them.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
VERSION, UTC_TIME, GENERALIZED_TIME = 0xA0, 0x17, 0x18
LONG_FORM = 0x80
BEFORE_VALIDITY = 3
# Of two digits, those from 50 are of the last century (RFC 5280 section 4.1.2.5.1).
PIVOT = 50


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what comes after. Raises ``ValueError``."""
    if len(data) < 2:  # noqa: PLR2004 - a tag and a length
        raise ValueError("the certificate is cut off")
    start, length = 2, data[1]
    if length & LONG_FORM:
        start += length & ~LONG_FORM
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("the certificate is cut off")
    return data[0], data[start : start + length], data[start + length :]


def _moment(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = f"{'19' if int(text[:2]) >= PIVOT else '20'}{text}"
    elif tag != GENERALIZED_TIME:
        raise ValueError(f"a date of the certificate has the tag {tag}")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def not_after(der: bytes) -> datetime:
    """The last moment of a certificate. Raises ``ValueError`` for what is none."""
    _, certificate, _ = _element(der)
    _, rest, _ = _element(certificate)
    if rest[:1] == bytes([VERSION]):
        _, _, rest = _element(rest)
    for _ in range(BEFORE_VALIDITY):
        _, _, rest = _element(rest)
    _, validity, _ = _element(rest)
    _, _, end = _element(validity)
    tag, content, _ = _element(end)
    return _moment(tag, content)


def certificates_in(pem: bytes) -> Iterator[bytes]:
    """The certificates of a PEM file as DER. Raises ``ValueError``."""
    for part in pem.decode("ascii", "replace").split(BEGIN)[1:]:
        yield ssl.PEM_cert_to_DER_cert(f"{BEGIN}{part.partition(END)[0]}{END}")


def first_end(pem: bytes) -> datetime | None:
    """When the first of the certificates ends; ``None`` where there is none that can be read."""
    ends = []
    for der in _readable(pem):
        try:
            ends.append(not_after(der))
        except ValueError:
            continue
    return min(ends, default=None)


def _readable(pem: bytes) -> list[bytes]:
    try:
        return list(certificates_in(pem))
    except ValueError:
        return []
