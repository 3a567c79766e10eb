"""Certificates for tests, as the files that Kafka and Copydesk take."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY_PASSWORD = "the password of the key"


def _private_key(certificate: trustme.LeafCert) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _pkcs8(certificate: trustme.LeafCert, password: str | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return _private_key(certificate).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def chain(certificate: trustme.LeafCert) -> bytes:
    """The certificate and those between it and the authority, in PEM."""
    return b"".join(blob.bytes() for blob in certificate.cert_chain_pems)


def write_keystore(path: Path, certificate: trustme.LeafCert) -> Path:
    """The file that Kafka takes as ``ssl.keystore.location`` of type PEM."""
    path.write_bytes(_pkcs8(certificate) + chain(certificate))
    return path


def write_authority(path: Path, *authorities: trustme.CA) -> Path:
    """The certificates of authorities in one file."""
    path.write_bytes(b"".join(authority.cert_pem.bytes() for authority in authorities))
    return path


def write_pair(folder: Path, certificate: trustme.LeafCert, password: str | None = None) -> tuple[Path, Path]:
    """The files of a certificate and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = folder / "tls.crt", folder / "tls.key"
    pair[0].write_bytes(chain(certificate))
    pair[1].write_bytes(_pkcs8(certificate, password))
    return pair


def write_expired_authority(path: Path) -> Path:
    """An authority whose time is over."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an old authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path
