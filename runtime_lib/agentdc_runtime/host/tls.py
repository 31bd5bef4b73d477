"""TLS of the listener (spec 02 §4): contexts from PEM files, who a peer is, when the certificate ends. Links ssl.

Every reload makes a new context. Sessions and the keys that seal tickets live in a context, so what began under an
earlier one is never resumed past a swap of certificates or authorities. Files are read and judged here, so that an
error can name the key, the file and the reason; no revocation lists, no choice of certificates by server name.
"""

from __future__ import annotations

import os
import ssl
import stat
from hashlib import sha256

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SOON = 14 * 86_400.0  # seconds before its end from which a certificate is told
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_MOST = 1 << 24  # bytes of a file; the bundles of all public authorities are some hundred KB
_CERTIFICATE = b"CERTIFICATE-----"
_KEYS = (b"PRIVATE KEY-----", b"RSA PRIVATE KEY-----", b"EC PRIVATE KEY-----", b"ENCRYPTED PRIVATE KEY-----")
_MODES = {"optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_FOREIGN = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
_WEAK = {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}
_REASONS = {
    "HTTP_REQUEST": "plain HTTP was spoken to the TLS port",
    "HTTPS_PROXY_REQUEST": "plain HTTP was spoken to the TLS port",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "UNKNOWN_PROTOCOL": "the peer does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "no TLS version in common; TLS 1.2 and 1.3 are spoken",
    "VERSION_TOO_LOW": "no TLS version in common; TLS 1.2 and 1.3 are spoken",
    "NO_SHARED_CIPHER": "no cipher suite in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer presented no client certificate",
    "UNEXPECTED_EOF_WHILE_READING": "the peer closed the connection",
}


class TlsError(ConfigError):
    """Names the key of `[server.tls]`, the file, and what is wrong with it."""

    def __init__(self, key: str, path: str, reason: str) -> None:
        super().__init__(f"server.tls.{key} {path}: {reason}")


class Peer:
    """The identity of a client certificate. `fingerprint`: `sha256:` and hex of the leaf; `sans`: DNS names."""

    __slots__ = ("cn", "fingerprint", "sans")

    def __init__(self, fingerprint: str, cn: str | None, sans: list[str]) -> None:
        self.fingerprint = fingerprint
        self.cn = cn
        self.sans = sans

    def added_to(self, principal: dict[str, Any]) -> dict[str, Any]:
        """The principal of a request on this connection, whatever kind it is (spec 02 §2.3)."""
        more: dict[str, Any] = {} if self.cn is None else {"cn": self.cn}
        if self.sans:
            more["sans"] = self.sans
        return {**principal, **more}


def server_context(tls: Mapping[str, Any], alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """The context that these settings describe; TlsError. `alpn`: protocols to offer, the best first."""
    _certificates("cert_file", tls["cert_file"])
    if not any(_blocks(_read("key_file", tls["key_file"]), kind) for kind in _KEYS):
        raise TlsError("key_file", tls["key_file"], "there is no PEM private key in it")
    if tls.get("refuse_shared_key"):
        _check_private(tls["key_file"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Connection
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    _identify(context, tls["cert_file"], tls["key_file"])
    client_auth = tls.get("client_auth")
    if client_auth is not None and client_auth["mode"] != "none":
        _admit(context, client_auth["ca_file"])
        context.verify_mode = _MODES[client_auth["mode"]]
    return context


def peer_of(inner: Any) -> Peer | None:
    """Who is at the other end of a TLS connection, None without a certificate."""
    der = inner.getpeercert(binary_form=True)
    if der is None:
        return None
    fingerprint = f"sha256:{sha256(der).hexdigest()}"
    parsed = inner.getpeercert() or {}
    names = [value for part in parsed.get("subject", ()) for key, value in part if key == "commonName"]
    if names and not isinstance(names[0], str):  # of a type that is no text: bytes, and no JSON
        return Peer(fingerprint, None, [])
    sans = [value.lower() for kind, value in parsed.get("subjectAltName", ()) if kind == "DNS"]
    return Peer(fingerprint, names[0] if names else None, sans)


def expiry_unix(tls: Mapping[str, Any]) -> float:
    """When the leaf ends, in Unix seconds; TlsError."""
    path = tls["cert_file"]
    try:
        return float(_not_after(_certificates("cert_file", path)[0]))
    except (IndexError, ValueError):
        raise TlsError("cert_file", path, "the end date of its first certificate cannot be read") from None


def expiry_warning(not_after: float, now: float) -> str | None:
    """What there is to say about a certificate that ends within 14 days, or has ended; both in Unix seconds."""
    left = not_after - now
    if left > SOON:
        return None
    if left <= 0:
        return "the server certificate has expired"
    count, unit = (left // 86_400, "day") if left >= 86_400 else (left // 3600, "hour")
    if count < 1:
        return "the server certificate expires within the hour"
    return f"the server certificate expires in {count:.0f} {unit}{'' if count == 1 else 's'}"


def handshake_reason(error: BaseException) -> str:
    """Why a handshake failed, in few words; no bytes of the peer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"client certificate: {getattr(error, 'verify_message', None) or 'not valid'}"
    if isinstance(error, ssl.SSLError):
        return _told(getattr(error, "reason", None) or "TLS_ERROR")  # absent where Python made the error
    # Event loops say so when they give up on a silent peer; a peer that aborts is a ConnectionResetError.
    if isinstance(error, (TimeoutError, ConnectionAbortedError)):
        return "timed out"
    if isinstance(error, ConnectionError):
        return "the peer closed the connection"
    return f"connection failed: {(isinstance(error, OSError) and error.strerror) or type(error).__name__}"


def _told(reason: str) -> str:
    """Words for a reason of OpenSSL's; an alert is what the peer says before it goes away."""
    _, alert, what = reason.partition("_ALERT_")
    if alert:
        return f"the peer refused the handshake: {what.replace('_', ' ').lower()}"
    return _REASONS.get(reason) or reason.replace("_", " ").lower()


class _Connection(ssl.SSLObject):
    """Event loops ask for the peer's certificate within the handshake, and one that cannot be told in words must
    not break it there: whether to trust it was OpenSSL's question, and the answer was yes.
    """

    def getpeercert(self, binary_form: bool = False) -> Any:
        try:
            return super().getpeercert(binary_form)
        except (ssl.SSLError, UnicodeDecodeError):  # a name of an odd type; bytes that are no UTF-8
            return {}


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted


def _identify(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load the chain and its key."""
    try:
        # A passphrase is never asked for: a server that waits at a terminal is not up.
        context.load_cert_chain(certificate, key, password=_no_password)
    except _Encrypted:
        reason = "the key is encrypted; a server needs one without a passphrase"
        raise TlsError("key_file", key, reason) from None
    except ssl.SSLError as error:
        if error.reason in _FOREIGN:
            reason = f"it is not the key of the first certificate in server.tls.cert_file {certificate}"
            raise TlsError("key_file", key, reason) from None
        if error.reason in _WEAK:
            reason = f"too weak for TLS: {error.reason.replace('_', ' ').lower()}"
            raise TlsError("cert_file", certificate, reason) from None
        if not _loads(certificate):
            raise TlsError("cert_file", certificate, "a certificate in it is damaged") from None
        raise TlsError("key_file", key, "the private key in it is damaged or of an unknown kind") from None
    except OSError as error:  # gone since it was looked at
        raise TlsError("cert_file", certificate, error.strerror or "it cannot be read") from None


def _loads(certificate: str) -> bool:
    """Whether OpenSSL takes the chain by itself: if so, it goes on to the key, here a file that cannot be."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, f"{certificate}/")
    except ssl.SSLError:
        return False
    except OSError:
        return True
    return True


def _admit(context: ssl.SSLContext, path: str) -> None:
    """Trust the authorities in a file. Each counts by itself: an intermediate one needs no root above it."""
    context.load_verify_locations(cadata=b"".join(_certificates("client_auth.ca_file", path)))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _certificates(key: str, path: str) -> list[bytes]:
    """The certificates in a PEM file as DER, at least one, all of them readable; TlsError."""
    blocks = _blocks(_read(key, path), _CERTIFICATE)
    if not blocks:
        raise TlsError(key, path, "there is no PEM certificate in it")
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found = []
    for number, block in enumerate(blocks, 1):
        try:
            der = ssl.PEM_cert_to_DER_cert(block.decode("ascii"))
            trial.load_verify_locations(cadata=der)
        except (ssl.SSLError, ValueError):
            which = "the certificate" if len(blocks) == 1 else f"certificate {number} of {len(blocks)}"
            raise TlsError(key, path, f"{which} in it is damaged") from None
        found.append(der)
    return found


def _check_private(path: str) -> None:
    """Refuse a key that not only its owner may read or write (spec 02 §4)."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o066:
        raise TlsError(
            "key_file", path, f"others than its owner may use it: its mode is {mode:04o}, not 0600"
        )


def _read(key: str, path: str) -> bytes:
    try:
        about = os.stat(path)
        # A pipe would be empty when OpenSSL reads it again, and might block this process for ever.
        if not stat.S_ISREG(about.st_mode):
            raise TlsError(
                key, path, "it is a folder" if stat.S_ISDIR(about.st_mode) else "it is no regular file"
            )
        if about.st_size > _MOST:
            raise TlsError(key, path, "it is too large for a PEM file")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise TlsError(key, path, getattr(error, "strerror", None) or "no file can have this name") from None


def _blocks(data: bytes, kind: bytes) -> list[bytes]:
    """The PEM blocks of one kind. As for OpenSSL, a block begins and ends at the start of a line."""
    data = b"\n" + data.removeprefix(b"\xef\xbb\xbf")
    begin, end = b"\n-----BEGIN " + kind, b"\n-----END " + kind
    found = []
    at = data.find(begin)
    while at >= 0:
        stop = data.find(end, at)
        if stop < 0:
            break
        found.append(data[at + 1 : stop + len(end)])
        at = data.find(begin, stop)
    return found


def _not_after(der: bytes) -> int:
    """`notAfter` of an X.509 certificate (RFC 5280 §4.1): a walk to one field.

    `ssl` tells it only of peers, and `ssl.cert_time_to_seconds` imports a calendar and a parser of dates.
    """
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # TBSCertificate
    if der[at] == 0xA0:  # version, which is optional
        _, _, at = _element(der, at)
    for _ in range(3):  # serial number, signature, issuer
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)  # Validity
    _, _, at = _element(der, at)  # notBefore
    tag, start, end = _element(der, at)
    text = der[start:end].decode("ascii")
    if tag == 0x17:  # UTCTime: two digits of the year (§4.1.2.5.1)
        text = ("20" if text < "5" else "19") + text
    if len(text) != 15 or not text[:14].isdigit() or text[14] != "Z":
        raise ValueError(text)
    days = _days(int(text[:4]), int(text[4:6]), int(text[6:8]))
    return days * 86_400 + int(text[8:10]) * 3600 + int(text[10:12]) * 60 + int(text[12:14])


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; a year that begins in March ends with the leap day."""
    if month < 3:
        year, month = year - 1, month + 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (153 * month - 457) // 5 + day - 719_469


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, begin of the content, end of the content."""
    tag, length = der[at], der[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[at : at + size])
        at += size
    if at + length > len(der):
        raise ValueError("truncated")
    return tag, at, at + length
