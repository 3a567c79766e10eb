"""How connections to the brokers are opened: with the credentials as they are now, and a refusal put into words.

aiokafka keeps the password it was made with for ever, logs a refusal and tries again, also for ever. Its client is
therefore replaced by :class:`Connections`, which reads the password each time and asks why when a broker lets it down.
"""

import asyncio
import ssl
import time
from collections.abc import Iterator
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from copydesk_shared.brokers import Brokers, Security
from copydesk_shared.credentials import CredentialError, sasl_password, tls_context, warn_of_clear_text
from copydesk_shared.log import LogError

PROBE_MS = 5_000
ASK_AGAIN_SECONDS = 5.0
AWAY_SECONDS = 2.0
# Connections that fail are closed by aiokafka, which does not wait until they are: over TLS that takes some turns.
CLOSING_SECONDS = 0.1
# What aiokafka lets through when the other side does not keep to the protocol.
NONSENSE = (ValueError, KeyError, AssertionError)
FAILURES = (KafkaError, OSError, TimeoutError, EOFError, *NONSENSE)


def client_options(brokers: Brokers) -> dict[str, Any]:
    """What every client of aiokafka is told of the brokers. Raises :class:`LogError` for files that are gone."""
    security = brokers.security
    options: dict[str, Any] = {
        "bootstrap_servers": brokers.servers,
        "security_protocol": security.security_protocol.upper(),
    }
    warn_of_clear_text(brokers)
    try:
        if security.encrypted:
            options["ssl_context"] = tls_context(security)
        if security.authenticated:
            options["sasl_mechanism"] = str(security.sasl_mechanism)
            options["sasl_plain_username"] = security.sasl_username
            options["sasl_plain_password"] = sasl_password(security).current()
    except CredentialError as error:
        raise LogError(f"the credentials for Kafka cannot be used: {error}") from None
    return options


class Connections(AIOKafkaClient):  # type: ignore[misc]
    """aiokafka's client with our way to open connections."""

    def __init__(self, brokers: Brokers, **options: Any) -> None:
        super().__init__(**client_options(brokers), **options)
        self.begin(brokers)

    def begin(self, brokers: Brokers) -> None:
        """To be called when the client was made otherwise: see :func:`take_over`."""
        self.brokers = brokers
        self.refusals: dict[Any, str] = {}
        self._asked = -ASK_AGAIN_SECONDS
        self._away: tuple[float, float] | None = None

    @property
    def _sasl_plain_password(self) -> str | None:
        """What aiokafka hands to each new connection."""
        security = self.brokers.security
        return sasl_password(security).current() if security.authenticated else None

    @_sasl_plain_password.setter
    def _sasl_plain_password(self, _value: str | None) -> None:
        """What aiokafka was made with is not kept."""

    async def bootstrap(self) -> None:
        """Raises :class:`LogError` that says what each of the servers answered."""
        try:
            await super().bootstrap()
        except (KafkaConnectionError, *NONSENSE) as error:
            await asyncio.sleep(CLOSING_SECONDS)
            hosts = [(host, port) for host, port, _ in collect_hosts(self.brokers.servers, randomize=False)]
            reasons = [f"{host}:{port}: {await why(self.brokers, host, port) or error}" for host, port in hosts]
            raise LogError(f"no broker can be used: {'; '.join(reasons)}") from error

    async def _get_conn(self, node_id: Any, *, group: Any = ConnectionGroup.DEFAULT, no_hint: bool = False) -> Any:
        try:
            connection = await super()._get_conn(node_id, group=group, no_hint=no_hint)
        except NONSENSE:
            connection = None
        if connection is not None:
            self._away = None
            if self.refusals:
                self.refusals.pop(node_id, None)
            return connection
        self._note_away(time.monotonic())
        if self.brokers.security != Security():
            await self._ask_why(node_id)
        return None

    def _note_away(self, now: float) -> None:
        """Keep the first and the last failure of a row in which no broker could be reached."""
        is_new = self._away is None or now - self._away[1] > AWAY_SECONDS
        self._away = (now if self._away is None or is_new else self._away[0], now)

    async def _ask_why(self, node_id: Any) -> None:
        broker = self.cluster.broker_metadata(node_id)
        if broker is None or time.monotonic() - self._asked < ASK_AGAIN_SECONDS:
            return
        self._asked = time.monotonic()
        error = await failure(self.brokers, broker.host, broker.port)
        if error is not None and is_refusal(error):
            self.refusals[node_id] = f"{broker.host}:{broker.port}: {explain(error, self.brokers.security)}"

    def check(self) -> None:
        """Raises :class:`LogError` when a broker has refused us since it took us last, or when all are away.

        aiokafka itself tries for ever and says nothing.
        """
        if self.refusals:
            raise LogError(f"a broker refuses us: {'; '.join(self.refusals.values())}")
        if self._away is not None:
            first, last = self._away
            if last - first > AWAY_SECONDS and time.monotonic() - last < AWAY_SECONDS:
                raise LogError(f"no broker can be reached at {self.brokers.servers}")


def take_over(client: AIOKafkaClient, brokers: Brokers) -> Connections:
    """Turn a client that has not connected yet into one of ours: aiokafka's consumer and producer make their own."""
    client.__class__ = Connections
    ours = cast("Connections", client)
    ours.begin(brokers)
    return ours


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """aiokafka's consumer on :class:`Connections`: polling tells of a refusal."""

    def __init__(self, brokers: Brokers, **options: Any) -> None:
        super().__init__(**client_options(brokers), **options)
        self._connections = take_over(self._client, brokers)

    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        """See aiokafka. Raises :class:`LogError`."""
        self.check()
        return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)

    def check(self) -> None:
        """Raises :class:`LogError` when the brokers are known not to answer us."""
        self._connections.check()


class Producer(AIOKafkaProducer):  # type: ignore[misc]
    """aiokafka's producer on :class:`Connections`: sending tells of a refusal."""

    def __init__(self, brokers: Brokers, **options: Any) -> None:
        super().__init__(**client_options(brokers), **options)
        self._connections = take_over(self.client, brokers)

    async def send(self, topic: str, *args: Any, **options: Any) -> Any:
        """See aiokafka. Raises :class:`LogError`."""
        self._connections.check()
        return await super().send(topic, *args, **options)


class Admin(AIOKafkaAdminClient):  # type: ignore[misc]
    """aiokafka's admin client on :class:`Connections`."""

    def __init__(self, brokers: Brokers, **options: Any) -> None:
        super().__init__(**client_options(brokers), **options)
        take_over(self._client, brokers)


async def failure(brokers: Brokers, host: str, port: int) -> BaseException | None:
    """What goes wrong when one connects and asks one question; ``None`` when nothing does."""
    options = client_options(brokers)
    options.pop("bootstrap_servers")
    try:
        connection = await create_conn(host, port, client_id="copydesk-why", request_timeout_ms=PROBE_MS, **options)
    except FAILURES as error:
        await asyncio.sleep(CLOSING_SECONDS)
        return error
    try:
        await connection.send(MetadataRequest([]))
    except FAILURES as error:
        return error
    finally:
        closed = connection.close()
        if closed is not None:
            await asyncio.wait([closed], timeout=PROBE_MS / 1000)
    return None


async def why(brokers: Brokers, host: str, port: int) -> str | None:
    """Why this broker cannot be used, in words; ``None`` when it can."""
    error = await failure(brokers, host, port)
    return explain(error, brokers.security) if error is not None else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it: aiokafka wraps what a connection died of."""
    while error is not None:
        yield error
        error = error.__cause__


def _untrusted(error: Any, _security: Security) -> str:
    return f"TLS: the broker's certificate is refused: {error.verify_message}"


def _tls(error: Any, security: Security) -> str:
    reason = str(error.reason or error).replace("_", " ").lower()
    if "alert" in reason:
        ours = "our certificate" if security.ssl_cert_file else "us, who show no certificate"
        return f"TLS: the broker refuses {ours}: {reason}"
    return f"TLS: {reason}; is this a listener for TLS?"


def _password(error: Any, security: Security) -> str:
    said = error.args[0] if error.args else "no reason given"
    return f"authentication failed for user {security.sasl_username!r} by {security.sasl_mechanism}: {said}"


def _mechanism(_error: Any, security: Security) -> str:
    return f"authentication failed: the broker does not take {security.sasl_mechanism} at this listener"


def _closed(_error: Any, security: Security) -> str:
    return f"the broker closed the connection; does this listener take {security.security_protocol}?"


def _nonsense(error: Any, _security: Security) -> str:
    return f"authentication failed: the answer makes no sense: {error}"


def _plain(error: Any, _security: Security) -> str:
    return str(error) or type(error).__name__


# The first that fits any error in the chain is told; the flag says whether trying again is pointless until somebody
# changes something, at our side or theirs.
WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Any, bool], ...] = (
    (ssl.SSLCertVerificationError, _untrusted, True),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError, EOFError, ConnectionResetError), _closed, False),
    (ssl.SSLError, _tls, True),
    (SaslAuthenticationFailed, _password, True),
    ((UnsupportedSaslMechanismError, IllegalSaslStateError), _mechanism, True),
    (NONSENSE, _nonsense, True),
    (BaseException, _plain, False),
)


def _words(error: BaseException) -> tuple[BaseException, Any, bool]:
    return next(
        (each, words, pointless) for kind, words, pointless in WORDS for each in _chain(error) if isinstance(each, kind)
    )


def explain(error: BaseException, security: Security) -> str:
    """What went wrong with a connection, as one line for people; holds no secret."""
    told, words, _ = _words(error)
    return " ".join(str(words(told, security)).split())


def is_refusal(error: BaseException) -> bool:
    """Whether the broker, or we, said no: otherwise it is away and will be back."""
    return _words(error)[2]
