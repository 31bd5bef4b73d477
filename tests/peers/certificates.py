"""Certificates of every kind, good and bad, made by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
ALWAYS = ("20200101000000Z", "20991231000000Z")
AUTHORITY = (
    "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n"
)
CLIENT = "basicConstraints = CA:FALSE\nextendedKeyUsage = clientAuth\n"
SERVER = "basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n"
CONFIG = """
[ca]
default_ca = own
[own]
database = {index}
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
preserve = yes
unique_subject = no
[any]
commonName = optional
"""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, two PEM files in one folder."""

    certificate: Path
    key: Path

    @cached_property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())

    def chained(self, *issuers: Pair) -> Pair:
        """The same with the certificates of its issuers behind it."""
        file = self.certificate.with_suffix(".chain.pem")
        file.write_text("".join(each.certificate.read_text() for each in (self, *issuers)))
        return Pair(file, self.key)


def issue(
    folder: Path,
    name: str,
    *,
    by: Pair | None = None,
    subject: str | None = None,
    extensions: str = CLIENT,
    dates: tuple[str, str] = ALWAYS,
    key: tuple[str, ...] = CURVE,
) -> Pair:
    """A certificate signed by another, or by its own key. `extensions`: lines of an openssl configuration."""
    made = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    request, index, config, more = (folder / f"{name}.{end}" for end in ("csr", "index", "cnf", "ext"))
    index.write_text("")
    config.write_text(CONFIG.format(index=index, folder=folder))
    more.write_text(extensions)
    who = ("-subj", subject or f"/CN={name}", "-utf8")
    openssl("req", "-new", *key, "-nodes", *who, "-keyout", made.key, "-out", request)
    signer = ("-selfsign",) if by is None else ("-cert", by.certificate)
    openssl(
        *(
            "ca",
            "-batch",
            "-notext",
            "-config",
            config,
            *signer,
            "-keyfile",
            (by or made).key,
            "-in",
            request,
        ),
        *("-out", made.certificate, "-startdate", dates[0], "-enddate", dates[1], "-extfile", more),
    )
    return made


def altered(pair: Pair, by: Pair, before: bytes, after: bytes) -> Pair:
    """The pair with bytes of its certificate replaced by as many others, and the signature of its issuer renewed."""
    assert len(before) == len(after)
    assert pair.der.count(before) == 1
    body = _parts(_parts(pair.der)[0])[0].replace(before, after)
    unsigned = pair.certificate.with_suffix(".tbs")
    unsigned.write_bytes(body)
    signature = openssl("dgst", "-sha256", "-sign", by.key, unsigned)
    algorithm = _parts(_parts(pair.der)[0])[1]
    der = _wrapped(0x30, body + algorithm + _wrapped(0x03, b"\0" + signature))
    file = pair.certificate.with_suffix(".altered.pem")
    file.write_text(ssl.DER_cert_to_PEM_cert(der))
    return Pair(file, pair.key)


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """What the program prints."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=30, input=given)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _parts(der: bytes) -> list[bytes]:
    """The elements in an element, or in the content of one."""
    found = []
    at = 0
    while at < len(der):
        length, start = der[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[at + 2 : start], "big")
        found.append(der[at : start + length])
        at = start + length
    if len(found) == 1 and found[0][:1] == b"\x30":
        head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
        return [der[head:]]
    return found


def _wrapped(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    width = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | width)) + size.to_bytes(width, "big") + content
