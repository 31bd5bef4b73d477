"""A certificate authority and its certificates, made by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


class Authority:
    """`file`: the certificate to trust. Everything lies in `folder`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-subj", f"/CN=Test {name}", "-keyout", self._key, "-out", self.file),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
        )

    def server(self, name: str, names: str, *, expired: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for `names` (`DNS:…,IP:…`)."""
        certificate, key = self.issue(name, names, expired=expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def issue(self, name: str, names: str, *, expired: bool = False) -> tuple[Path, Path]:
        """Certificate and key in files; the common name is `name`."""
        key, request, certificate = (self._folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", key, "-out", request),
        )
        dates = ("20200101000000Z", "20200102000000Z") if expired else ("20200101000000Z", "20991231000000Z")
        self._sign(request, certificate, names, *dates)
        return certificate, key

    def _sign(self, request: Path, certificate: Path, names: str, start: str, end: str) -> None:
        config = self._folder / "ca.cnf"
        index = self._folder / "index.txt"
        index.write_text("")
        config.write_text(
            f"[ca]\ndefault_ca = own\n[own]\ndatabase = {index}\nnew_certs_dir = {self._folder}\nrand_serial = yes\n"
            f"default_md = sha256\npolicy = any\nunique_subject = no\nx509_extensions = server\n[any]\n"
            f"commonName = supplied\n[server]\nsubjectAltName = {names}\nauthorityKeyIdentifier = keyid\n"
            "subjectKeyIdentifier = hash\nbasicConstraints = CA:FALSE\n"
        )
        _openssl(
            *("ca", "-batch", "-notext", "-config", config, "-cert", self.file, "-keyfile", self._key),
            *("-in", request, "-out", certificate, "-startdate", start, "-enddate", end),
        )


def self_signed(folder: Path, names: str) -> ssl.SSLContext:
    """A server's context with a certificate that nobody else has signed."""
    key, certificate = folder / "alone.key", folder / "alone.pem"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", "/CN=alone", "-keyout", key, "-out", certificate, "-addext", f"subjectAltName={names}"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
