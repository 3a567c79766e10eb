"""What opens the door at the brokers: checked once at start, and read again for each connection.

Nothing watches the files. They are compared by content whenever a connection is opened, which is when it matters: this
sees a swapped symbolic link (Kubernetes' ``..data``) as well as a file written in place. What cannot be used, such as
a certificate whose key has not been written yet, leaves in force what worked before.
"""

import hashlib
import ipaddress
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Self

from copydesk_shared.brokers import Brokers, Security, SecurityProtocol
from copydesk_shared.certificates import first_end
from copydesk_shared.secret_files import one_line, read_capped
from copydesk_shared.telemetry import CERTIFICATE_ENDS, get_logger

CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
PRIVATE_KEY = b"PRIVATE KEY-----"
SASL_FIELDS = ("sasl_mechanism", "sasl_username", "sasl_password", "sasl_password_file")
SSL_FIELDS = ("ssl_ca_file", "ssl_cert_file", "ssl_key_file", "ssl_key_password", "ssl_key_password_file")
TLS_FILES = ("ssl_ca_file", "ssl_cert_file", "ssl_key_file", "ssl_key_password_file")


class CredentialError(ValueError):
    """A setting of :class:`Security` that cannot be used: ``field`` names it, the text says why, without secrets."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def variable(field: str) -> str:
    """The setting of that field as a message names it: the variable without the prefix of the service."""
    return f"KAFKA_{field}".upper()


def _given(security: Security, field: str) -> bool:
    return getattr(security, field) is not None


SASL_NEEDS: tuple[tuple[str, ...], ...] = (
    ("sasl_mechanism",),
    ("sasl_username",),
    ("sasl_password", "sasl_password_file"),
)
# Each field that is set needs one of the fields at its right.
NEEDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ssl_cert_file", ("ssl_key_file",)),
    ("ssl_key_file", ("ssl_cert_file",)),
    ("ssl_key_password", ("ssl_key_file",)),
    ("ssl_key_password_file", ("ssl_key_file",)),
)
EXCLUSIVE = (("sasl_password", "sasl_password_file"), ("ssl_key_password", "ssl_key_password_file"))


def check_combination(security: Security) -> None:
    """Raises :class:`CredentialError` for settings that make no sense together."""
    protocol = f"{variable('security_protocol')}={security.security_protocol}"
    useless = (*(() if security.authenticated else SASL_FIELDS), *(() if security.encrypted else SSL_FIELDS))
    for field in filter(lambda each: _given(security, each), useless):
        raise CredentialError(field, f"has no effect with {protocol}")
    for one, other in EXCLUSIVE:
        if _given(security, one) and _given(security, other):
            raise CredentialError(other, f"cannot be set together with {variable(one)}")
    for needed in SASL_NEEDS if security.authenticated else ():
        _require(security, protocol, needed)
    for field, needed in NEEDS:
        if _given(security, field):
            _require(security, variable(field), needed)


def _require(security: Security, what: str, needed: tuple[str, ...]) -> None:
    if not any(_given(security, field) for field in needed):
        others = "".join(f" (or {variable(other)})" for other in needed[1:])
        raise CredentialError(needed[0], f"is not set{others}, and {what} needs it")


def check(security: Security) -> None:
    """Check the settings and the files they name. Raises :class:`CredentialError`."""
    check_combination(security)
    if security.authenticated:
        read_secret(security, "sasl_password")
    if security.encrypted:
        make_context(security)


def _read(security: Security, field: str) -> bytes:
    try:
        return read_capped(getattr(security, field))
    except ValueError as error:
        raise CredentialError(field, str(error)) from None


def read_secret(security: Security, field: str) -> str | None:
    """The secret of that field, or the one line of the file in ``<field>_file``. Raises :class:`CredentialError`."""
    if _given(security, field):
        return str(getattr(security, field).get_secret_value())
    from_file = f"{field}_file"
    if not _given(security, from_file):
        return None
    try:
        return one_line(getattr(security, from_file), "password")
    except ValueError as error:
        raise CredentialError(from_file, str(error)) from None


def make_context(security: Security) -> ssl.SSLContext:
    """A TLS context for what the files hold now: TLS 1.2 or later, host names verified.

    Raises :class:`CredentialError`.
    """
    context = ssl.create_default_context() if security.ssl_ca_file is None else _trusting(security, "ssl_ca_file")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if security.ssl_cert_file is not None:
        _load_pair(context, security)
    return context


def _trusting(security: Security, field: str) -> ssl.SSLContext:
    path = str(getattr(security, field))
    if CERTIFICATE not in _read(security, field):
        raise CredentialError(field, f"{path!r} holds no certificate in PEM")
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise CredentialError(field, f"{path!r} holds a certificate that cannot be read: {error}") from None


def _load_pair(context: ssl.SSLContext, security: Security) -> None:
    certificate, key = str(security.ssl_cert_file), str(security.ssl_key_file)
    _trusting(security, "ssl_cert_file")  # says which of the two files is broken
    if PRIVATE_KEY not in _read(security, "ssl_key_file"):
        raise CredentialError("ssl_key_file", f"{key!r} holds no private key in PEM")
    password = read_secret(security, "ssl_key_password")
    try:
        context.load_cert_chain(certificate, key, _password_callback(key, password))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CredentialError(
                "ssl_key_file", f"{key!r} does not belong to the certificate {certificate!r}"
            ) from None
        why = "cannot be read" if password is None else "cannot be read, or its password is wrong"
        raise CredentialError("ssl_key_file", f"the key in {key!r} {why}") from None
    except OSError as error:
        raise CredentialError("ssl_key_file", f"{key!r} cannot be read: {error}") from None


def _password_callback(path: str, password: str | None) -> Callable[[], str]:
    """Asked for only when the key is encrypted; without a callback OpenSSL would ask at the terminal."""

    def answer() -> str:
        if password is None:
            raise CredentialError("ssl_key_password", f"is not set, and the key in {path!r} is encrypted")
        return password

    return answer


class ReloadingContext(ssl.SSLContext):
    """A TLS context that looks at its files before each handshake; one that is cached serves a whole process."""

    def __new__(cls, _security: Security) -> Self:
        """An outer context that trusts nobody: only what :meth:`current` gives is ever used."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, security: Security) -> None:
        self._security = security
        self._digest = _digest(security)
        self._current = make_context(security)
        self._complaint = ""
        _tell_ends(security)
        _warn_of_expired(self._current, security)

    def current(self) -> ssl.SSLContext:
        """The context for what the files hold now, or for what they held last that could be used."""
        try:
            digest = _digest(self._security)
            if digest != self._digest:
                self._current = make_context(self._security)
                self._digest = digest
                get_logger().info("certificates for Kafka read again")
                _tell_ends(self._security)
                _warn_of_expired(self._current, self._security)
            self._complaint = ""
        except CredentialError as error:
            self._complaint = _complain(error, self._complaint)
        return self._current

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio calls for each new connection."""
        return self.current().wrap_bio(*args, **options)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """The same for blocking sockets."""
        return self.current().wrap_socket(*args, **options)


class ReloadingPassword:
    """The SASL password, which is read again each time it is asked for."""

    def __init__(self, security: Security) -> None:
        self._security = security
        self._current = read_secret(security, "sasl_password") or ""
        self._complaint = ""

    def current(self) -> str:
        """What the setting or its file holds now, or what it held last that could be used."""
        try:
            self._current = read_secret(self._security, "sasl_password") or ""
            self._complaint = ""
        except CredentialError as error:
            self._complaint = _complain(error, self._complaint)
        return self._current


def _digest(security: Security) -> bytes:
    """Of the contents, so that no second copy of a key is kept."""
    named = [field for field in TLS_FILES if _given(security, field)]
    return b"".join(hashlib.sha256(_read(security, field)).digest() for field in named)


def _complain(error: CredentialError, before: str) -> str:
    complaint = f"{variable(error.field)}: {error}"
    if complaint != before:
        get_logger().warning(
            "the credentials for Kafka changed and cannot be used; those before are kept", error=complaint
        )
    return complaint


def _tell_ends(security: Security) -> None:
    for field in (each for each in ("ssl_ca_file", "ssl_cert_file") if _given(security, each)):
        end = first_end(_read(security, field))
        if end is not None:
            CERTIFICATE_ENDS.labels(field.split("_")[1]).set(end.timestamp())


def _warn_of_expired(context: ssl.SSLContext, security: Security) -> None:
    if security.ssl_ca_file is None:
        return
    for authority in context.get_ca_certs():
        until = str(authority["notAfter"])
        if ssl.cert_time_to_seconds(until) < time.time():
            get_logger().warning(
                "a certificate authority for Kafka has expired", file=str(security.ssl_ca_file), until=until
            )


tls_context = cache(ReloadingContext)
sasl_password = cache(ReloadingPassword)


@cache
def warn_of_clear_text(brokers: Brokers) -> None:
    """Say once that credentials and articles go over the network readably, unless they stay on this machine."""
    if brokers.security.security_protocol is SecurityProtocol.SASL_PLAINTEXT and not _is_local(brokers.servers):
        get_logger().warning("SASL without TLS: whoever sees the network sees the articles", servers=brokers.servers)


def _is_local(servers: str) -> bool:
    return all(_is_loopback(server.strip().rpartition(":")[0].strip("[]")) for server in servers.split(","))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
