"""Whom an outgoing TLS connection trusts. Links `ssl`.

The system's own certificate authorities, read from its files: no bundle is shipped in an app. `SSL_CERT_FILE` and
`SSL_CERT_DIR` replace them; when either is set, nothing else is trusted. A frozen app brings an OpenSSL that may
look in folders of the machine it was built on, so where that finds nothing, the usual places are tried.
"""

from __future__ import annotations

import os
import ssl

USUAL_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, the BSDs, macOS
    "/usr/local/share/certs/ca-root-nss.crt",
)


class NoTrust(Exception):
    """The certificate authorities that the environment names cannot be read; `reason` names the variable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def client_context(usual: tuple[str, ...] = USUAL_FILES) -> ssl.SSLContext:
    """A context that verifies certificate and host name; reads the environment and the files it names now."""
    context = _trusting(usual)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems leave it to their configuration
    return context


def _trusting(usual: tuple[str, ...]) -> ssl.SSLContext:
    file, folder = os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None
    if file is not None or folder is not None:
        return _only(file, folder)
    context = ssl.create_default_context()
    if not _has_any(context):
        found = next((path for path in usual if os.path.isfile(path)), None)
        if found is not None:
            context.load_verify_locations(found)
    return context


def _only(file: str | None, folder: str | None) -> ssl.SSLContext:
    if folder is not None and not any(map(os.path.isdir, folder.split(os.pathsep))):
        raise NoTrust(f"SSL_CERT_DIR names no folder: {folder}")
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except ssl.SSLError:
        raise NoTrust(f"SSL_CERT_FILE holds no certificate: {file}") from None
    except OSError as error:
        raise NoTrust(f"SSL_CERT_FILE cannot be read: {file}: {error.strerror}") from None


def _has_any(context: ssl.SSLContext) -> bool:
    """Whether OpenSSL's own places hold certificates; those of a folder are read only when one is needed."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath  # None when there is no such folder
    return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))
