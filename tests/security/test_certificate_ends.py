"""Until when the certificates with which Kafka is talked to are good, as the metric tells it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from copydesk_shared.brokers import Security, SecurityProtocol
from copydesk_shared.certificates import first_end, not_after
from copydesk_shared.credentials import ReloadingContext
from tests.security.certificates import write_authority, write_pair

KEY = ec.generate_private_key(ec.SECP256R1())
MOMENT = datetime(2026, 11, 23, 9, 30, 1, tzinfo=UTC)


def certificate(end: datetime, name: str = "copydesk") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(datetime(1960, 1, 1, tzinfo=UTC))
        .not_valid_after(end).sign(KEY, hashes.SHA256())
    )  # fmt: skip


@given(st.integers(0, 7_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_the_end_is_read_as_it_was_written(end: datetime) -> None:
    """Until 2049 years have two digits in a certificate, and four from then on."""
    assert not_after(certificate(end).public_bytes(serialization.Encoding.DER)) == end


def test_the_first_end_of_several_counts() -> None:
    ends = [MOMENT + timedelta(days=days) for days in (3, 1, 2)]
    pem = b"text between\n".join(certificate(end).public_bytes(serialization.Encoding.PEM) for end in ends)
    assert first_end(pem) == ends[1]


@given(st.binary(max_size=60), st.integers(0, 400))
def test_what_is_no_certificate_has_no_end(noise: bytes, cut: int) -> None:
    whole = certificate(MOMENT).public_bytes(serialization.Encoding.DER)
    for damaged in (noise, whole[:cut], whole[:cut] + noise + whole[cut:]):
        try:
            not_after(damaged)
        except ValueError:
            continue


@pytest.mark.parametrize(
    "pem", [b"", b"-----BEGIN CERTIFICATE-----\nAA", b"-----BEGIN CERTIFICATE-----\nA!\n-----END CERTIFICATE-----"]
)
def test_a_file_that_is_none_has_no_end(pem: bytes) -> None:
    assert first_end(pem) is None


def told(file: str) -> float | None:
    return REGISTRY.get_sample_value("copydesk_certificate_ends_timestamp_seconds", {"file": file})


def test_the_metric_follows_the_files(tmp_path: Path) -> None:
    authority = trustme.CA()
    write_authority(tmp_path / "ca.crt", authority)
    ends = [datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)]
    write_pair(tmp_path, authority.issue_cert("copydesk", not_after=ends[0]))
    context = ReloadingContext(
        Security(
            SecurityProtocol.SSL, ssl_ca_file=tmp_path / "ca.crt",
            ssl_cert_file=tmp_path / "tls.crt", ssl_key_file=tmp_path / "tls.key",
        )
    )  # fmt: skip
    loaded = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    assert told("ca") == loaded.not_valid_after_utc.timestamp()
    assert told("cert") == ends[0].timestamp()
    write_pair(tmp_path, authority.issue_cert("copydesk", not_after=ends[1]))
    context.current()
    assert told("cert") == ends[1].timestamp()
