"""Settings for TLS and SASL: what is refused at start, what is never shown, and files that change."""

import os
import ssl
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import structlog
import trustme
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from copydesk_shared.brokers import Brokers, Security, SecurityProtocol
from copydesk_shared.credentials import ReloadingContext, ReloadingPassword, warn_of_clear_text
from copydesk_shared.errors import SettingsError
from copydesk_shared.settings import ServiceSettings, load_settings
from copydesk_standalone.plan import SERVICES, make_plan
from copydesk_standalone.settings import StandaloneSettings
from tests.security.certificates import KEY_PASSWORD, write_authority, write_expired_authority, write_pair
from tools.acl_table import PAGE

SECRET = "hunter2-and-more"
PREFIX = "COPYDESK_SAMPLE_KAFKA_"
SASL = {"SECURITY_PROTOCOL": "sasl_ssl", "SASL_MECHANISM": "SCRAM-SHA-512", "SASL_USERNAME": "alice"}


class SampleSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="COPYDESK_SAMPLE_")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad files, named as the cases below name them."""
    folder = tmp_path_factory.mktemp("files")
    authority = trustme.CA()
    write_authority(folder / "ca.crt", authority)
    write_pair(folder, authority.issue_cert("copydesk"))
    write_pair(folder / "other", authority.issue_cert("copydesk"))
    write_pair(folder / "locked", authority.issue_cert("copydesk"), KEY_PASSWORD)
    (folder / "garbage").write_text("no PEM in here")
    (folder / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "broken.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    (folder / "password").write_text(SECRET + "\n")
    (folder / "key-password").write_text(KEY_PASSWORD)
    (folder / "empty").write_text("\n")
    (folder / "two-lines").write_text(f"{SECRET}\n{SECRET}\n")
    (folder / "huge").write_bytes(b"-----BEGIN CERTIFICATE-----" + b"A" * 1_100_000)
    return folder


def _load(monkeypatch: pytest.MonkeyPatch, files: Path, env: Mapping[str, str]) -> SampleSettings:
    for name, value in env.items():
        monkeypatch.setenv(PREFIX + name, value.replace("{}", str(files)))
    return load_settings(SampleSettings)


CERTIFICATE = {"SECURITY_PROTOCOL": "ssl", "SSL_CERT_FILE": "{}/tls.crt"}
GOOD: tuple[dict[str, str], ...] = (
    {"SECURITY_PROTOCOL": "ssl"},
    {"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": "{}/ca.crt"},
    {**CERTIFICATE, "SSL_KEY_FILE": "{}/tls.key"},
    {
        "SECURITY_PROTOCOL": "ssl",
        "SSL_CERT_FILE": "{}/locked/tls.crt",
        "SSL_KEY_FILE": "{}/locked/tls.key",
        "SSL_KEY_PASSWORD_FILE": "{}/key-password",
    },
    {**SASL, "SASL_PASSWORD": SECRET},
    {**SASL, "SECURITY_PROTOCOL": "sasl_plaintext", "SASL_PASSWORD_FILE": "{}/password"},
)
BAD: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"SECURITY_PROTOCOL": "tls"}, "SECURITY_PROTOCOL", "'sasl_plaintext' or 'sasl_ssl'"),
    ({"SASL_USERNAME": "alice"}, "SASL_USERNAME", "has no effect with KAFKA_SECURITY_PROTOCOL=plaintext"),
    ({"SASL_PASSWORD": SECRET}, "SASL_PASSWORD", "has no effect"),
    ({**SASL, "SASL_PASSWORD": ""}, "SASL_PASSWORD", "at least 1"),
    ({"SECURITY_PROTOCOL": "ssl", "SASL_PASSWORD": SECRET}, "SASL_PASSWORD", "has no effect"),
    (
        {**SASL, "SECURITY_PROTOCOL": "sasl_plaintext", "SSL_CA_FILE": "{}/ca.crt"},
        "SSL_CA_FILE",
        "has no effect with KAFKA_SECURITY_PROTOCOL=sasl_plaintext",
    ),
    ({"SECURITY_PROTOCOL": "sasl_ssl"}, "SASL_MECHANISM", "is not set"),
    ({**SASL, "SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM", "'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    (
        {"SECURITY_PROTOCOL": "sasl_ssl", "SASL_MECHANISM": "PLAIN", "SASL_PASSWORD": SECRET},
        "SASL_USERNAME",
        "is not set, and KAFKA_SECURITY_PROTOCOL=sasl_ssl needs it",
    ),
    (SASL, "SASL_PASSWORD", "is not set (or KAFKA_SASL_PASSWORD_FILE)"),
    (
        {**SASL, "SASL_PASSWORD": SECRET, "SASL_PASSWORD_FILE": "{}/password"},
        "SASL_PASSWORD_FILE",
        "cannot be set together with KAFKA_SASL_PASSWORD",
    ),
    ({**SASL, "SASL_PASSWORD_FILE": "{}/nothing"}, "SASL_PASSWORD_FILE", "there is no file '{}/nothing'"),
    ({**SASL, "SASL_PASSWORD_FILE": "{}"}, "SASL_PASSWORD_FILE", "there is no file '{}'"),
    ({**SASL, "SASL_PASSWORD_FILE": "{}/empty"}, "SASL_PASSWORD_FILE", "must hold one line"),
    ({**SASL, "SASL_PASSWORD_FILE": "{}/two-lines"}, "SASL_PASSWORD_FILE", "must hold one line"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": ""}, "SSL_CA_FILE", "there is no file"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": "{}/garbage"}, "SSL_CA_FILE", "holds no certificate in PEM"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": "{}/broken.crt"}, "SSL_CA_FILE", "cannot be read"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": "{}/huge"}, "SSL_CA_FILE", "is larger than"),
    (CERTIFICATE, "SSL_KEY_FILE", "is not set, and KAFKA_SSL_CERT_FILE needs it"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_KEY_FILE": "{}/tls.key"}, "SSL_CERT_FILE", "KAFKA_SSL_KEY_FILE needs it"),
    ({"SECURITY_PROTOCOL": "ssl", "SSL_KEY_PASSWORD": SECRET}, "SSL_KEY_FILE", "KAFKA_SSL_KEY_PASSWORD needs it"),
    ({**CERTIFICATE, "SSL_KEY_FILE": "{}/other/tls.key"}, "SSL_KEY_FILE", "does not belong to the certificate"),
    ({**CERTIFICATE, "SSL_KEY_FILE": "{}/garbage"}, "SSL_KEY_FILE", "holds no private key in PEM"),
    ({**CERTIFICATE, "SSL_KEY_FILE": "{}/broken.key"}, "SSL_KEY_FILE", "cannot be read"),
    (
        {**CERTIFICATE, "SSL_CERT_FILE": "{}/broken.crt", "SSL_KEY_FILE": "{}/tls.key"},
        "SSL_CERT_FILE",
        "cannot be read",
    ),
    (
        {**CERTIFICATE, "SSL_CERT_FILE": "{}/locked/tls.crt", "SSL_KEY_FILE": "{}/locked/tls.key"},
        "SSL_KEY_PASSWORD",
        "is not set, and the key in '{}/locked/tls.key' is encrypted",
    ),
    (
        {
            "SECURITY_PROTOCOL": "ssl",
            "SSL_CERT_FILE": "{}/locked/tls.crt",
            "SSL_KEY_FILE": "{}/locked/tls.key",
            "SSL_KEY_PASSWORD": SECRET,
        },
        "SSL_KEY_FILE",
        "or its password is wrong",
    ),
)


@pytest.mark.parametrize("env", GOOD, ids=str)
def test_what_makes_sense_is_taken(env: dict[str, str], files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = _load(monkeypatch, files, env).brokers
    assert brokers.security.security_protocol == env["SECURITY_PROTOCOL"]


@pytest.mark.parametrize(("env", "field", "words"), BAD, ids=str)
def test_what_makes_no_sense_is_one_line_with_the_variable_and_no_secret(
    env: dict[str, str], field: str, words: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(monkeypatch, files, env)
    text = str(caught.value)
    assert text.startswith(PREFIX + field)
    assert words.replace("{}", str(files)) in text
    assert "\n" not in text
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_service_ends_with_one_line_and_exit_code_2(files: Path) -> None:
    env = {**SASL, "SASL_MECHANISM": "none", "SASL_PASSWORD": SECRET}
    command = [sys.executable, "-m", "copydesk_cleaner"]
    variables = {f"COPYDESK_CLEANER_KAFKA_{name}": value for name, value in env.items()}
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("copydesk: error: COPYDESK_CLEANER_KAFKA_SASL_MECHANISM='none': ")
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr + done.stdout


def test_secrets_are_in_no_text_of_the_settings(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, files, {**SASL, "SASL_PASSWORD": SECRET})
    brokers = settings.brokers
    shown = (settings, brokers, brokers.security, settings.model_dump(), settings.model_dump_json())
    assert SECRET not in "".join(f"{each!r} {each}" for each in shown)
    assert brokers.security.sasl_password == SecretStr(SECRET)
    monkeypatch.setenv(PREFIX + "SASL_MECHANISM", "none")
    with pytest.raises(ValidationError) as caught:
        SampleSettings()
    assert SECRET not in str(caught.value)


def _rotating(folder: Path) -> tuple[Security, Callable[[], None]]:
    """Settings for files that change like Kubernetes' secrets, and what changes them: a link to a folder is swapped."""
    generations = iter(range(100))

    def rotate() -> None:
        authority = trustme.CA()
        version = folder / f"..{next(generations)}"
        write_pair(version, authority.issue_cert("copydesk"))
        write_authority(version / "ca.crt", authority)
        fresh = folder / "..tmp"
        fresh.symlink_to(version.name)
        fresh.replace(folder / "..data")

    rotate()
    security = Security(
        SecurityProtocol.SSL,
        ssl_ca_file=folder / "..data" / "ca.crt",
        ssl_cert_file=folder / "..data" / "tls.crt",
        ssl_key_file=folder / "..data" / "tls.key",
    )
    return security, rotate


def _handshake(context: ssl.SSLContext, authority: trustme.CA) -> None:
    """Shake hands in memory with a server that the authority vouches for."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("kafka.example.com").configure_cert(server_context)
    _shake_hands(context, server_context)


def _shake_hands(context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="kafka.example.com")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)


def test_certificates_are_read_again_when_the_files_change(tmp_path: Path) -> None:
    security, rotate = _rotating(tmp_path)
    context = ReloadingContext(security)
    first = context.current()
    assert context.current() is first
    rotate()
    second = context.current()
    assert second is not first
    assert second.get_ca_certs() != first.get_ca_certs()
    assert context.current() is second


def test_a_half_written_pair_leaves_the_old_one_in_force_and_is_told_once(tmp_path: Path) -> None:
    security, _ = _rotating(tmp_path)
    context = ReloadingContext(security)
    before = context.current()
    other = trustme.CA().issue_cert("copydesk")
    write_pair(tmp_path / "next", other)
    with structlog.testing.capture_logs() as logs:
        (tmp_path / "..data" / "tls.crt").write_bytes((tmp_path / "next" / "tls.crt").read_bytes())
        assert context.current() is before
        assert context.current() is before
        assert [each["log_level"] for each in logs] == ["warning"]
        assert "KAFKA_SSL_KEY_FILE" in logs[0]["error"]
        (tmp_path / "..data" / "tls.key").write_bytes((tmp_path / "next" / "tls.key").read_bytes())
        assert context.current() is not before
        assert [each["log_level"] for each in logs] == ["warning", "info"]


@pytest.mark.parametrize("field", ["ssl_ca_file", "ssl_cert_file", "ssl_key_file"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAA"])
def test_files_that_go_or_break_leave_the_old_ones_in_force(field: str, content: bytes | None, tmp_path: Path) -> None:
    security, rotate = _rotating(tmp_path)
    context = ReloadingContext(security)
    before = context.current()
    path: Path = getattr(security, field)
    path.unlink() if content is None else path.write_bytes(content)
    assert context.current() is before
    rotate()
    assert context.current() is not before


def test_handshakes_use_the_files_as_they_are_and_verify_the_host_name(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    context = ReloadingContext(Security(SecurityProtocol.SSL, ssl_ca_file=write_authority(tmp_path / "ca.crt", old)))
    _handshake(context, old)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer certificate"):
        _handshake(context, new)
    write_authority(tmp_path / "ca.crt", old, new)
    _handshake(context, old)
    _handshake(context, new)
    write_authority(tmp_path / "ca.crt", new)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(context, old)
    current = context.current()
    assert current.check_hostname
    assert current.verify_mode is ssl.CERT_REQUIRED
    assert current.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_broker_that_sends_its_authority_is_refused_in_words_that_the_page_lists(tmp_path: Path) -> None:
    known, foreign = trustme.CA(), trustme.CA()
    certificate, key = write_pair(tmp_path / "broker", foreign.issue_cert("kafka.example.com"))
    certificate.write_bytes(certificate.read_bytes() + foreign.cert_pem.bytes())
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    context = ReloadingContext(Security(SecurityProtocol.SSL, ssl_ca_file=write_authority(tmp_path / "ca.crt", known)))
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        _shake_hands(context, server_context)
    assert f"`{refused.value.verify_message}`" in PAGE.read_text(encoding="utf-8")


def test_an_expired_authority_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = write_expired_authority(tmp_path / "ca.crt")
    env = {"SECURITY_PROTOCOL": "ssl", "SSL_CA_FILE": str(expired)}
    with structlog.testing.capture_logs() as logs:
        ReloadingContext(_load(monkeypatch, tmp_path, env).brokers.security)
    assert [(each["event"], each["file"]) for each in logs] == [
        ("a certificate authority for Kafka has expired", str(expired))
    ]


def test_the_password_file_is_read_each_time_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    password = ReloadingPassword(Security(SecurityProtocol.SASL_SSL, sasl_password_file=file))
    assert password.current() == "first"
    file.write_text("second\r\n")
    assert password.current() == "second"
    for bad in (b"", b"\xff\n", b"two\nlines\n", b"nul\0\n"):
        file.write_bytes(bad)
        assert password.current() == "second"
    file.unlink()
    assert password.current() == "second"
    file.write_text("third")
    assert password.current() == "third"


@pytest.mark.parametrize(
    ("servers", "protocol", "warned"),
    [
        ("kafka.example.com:9092", SecurityProtocol.SASL_PLAINTEXT, True),
        ("127.0.0.1:9092,kafka.example.com:9092", SecurityProtocol.SASL_PLAINTEXT, True),
        ("127.0.0.1:9092,[::1]:9092,localhost:9092", SecurityProtocol.SASL_PLAINTEXT, False),
        ("kafka.example.com:9092", SecurityProtocol.SASL_SSL, False),
    ],
)
def test_sasl_in_clear_text_is_told_once(servers: str, protocol: SecurityProtocol, warned: bool) -> None:
    warn_of_clear_text.cache_clear()
    brokers = Brokers(servers, Security(protocol))
    with structlog.testing.capture_logs() as logs:
        warn_of_clear_text(brokers)
        warn_of_clear_text(brokers)
    assert len(logs) == warned


def test_a_standalone_run_hands_security_to_its_services_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file = write_authority(tmp_path / "ca.crt", trustme.CA())
    for name, value in {**SASL, "SASL_PASSWORD": SECRET, "SSL_CA_FILE": str(ca_file)}.items():
        monkeypatch.setenv(f"COPYDESK_STANDALONE_KAFKA_{name}", value)
    monkeypatch.setenv("COPYDESK_CLEANER_KAFKA_SASL_USERNAME", "the-cleaner")
    monkeypatch.setenv("COPYDESK_FETCHER_USER_AGENT", "test (+http://127.0.0.1/)")
    monkeypatch.setenv("COPYDESK_FETCHER_ALLOW_NETWORKS", "127.0.0.0/8")
    plan = make_plan(
        load_settings(StandaloneSettings, bootstrap_servers="kafka.example.com:9093", data_dir=tmp_path), lock=0
    )
    assert SECRET not in repr(plan)
    assert SECRET not in str([child.arguments for child in plan.services])
    users = {}
    for child in plan.services:
        with pytest.MonkeyPatch.context() as child_environment:
            for name, value in child.env.items():
                child_environment.setenv(name, value)
            brokers = load_settings(SERVICES[child.name]).brokers
        users[child.name] = brokers.security.sasl_username
        assert brokers.security.sasl_password == SecretStr(SECRET)
        assert brokers.security.ssl_ca_file == ca_file
    assert users == {"fetcher": "alice", "cleaner": "the-cleaner", "classifier": "alice", "api": "alice"}


def test_the_embedded_broker_has_no_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_STANDALONE_KAFKA_SECURITY_PROTOCOL", "ssl")
    with pytest.raises(SettingsError, match=r"^COPYDESK_STANDALONE_KAFKA_SECURITY_PROTOCOL is for the brokers in"):
        load_settings(StandaloneSettings, data_dir=tmp_path)
