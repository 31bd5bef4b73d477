"""The files of `[server.tls]`: the forms that are taken, a clear line for all else, and when a certificate ends."""

from __future__ import annotations

import os
import random
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peers.certificates import CURVE, Pair, issue, openssl

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host import tls
from agentdc_runtime.host.tls import TlsError, expiry_unix, expiry_warning, server_context

RSA = ("-newkey", "rsa:2048")
BROKEN = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"
RUNTIME = Path(tls.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def curve(folder: Path) -> Pair:
    return issue(folder, "curve", key=CURVE)


@pytest.fixture(scope="module")
def rsa(folder: Path) -> Pair:
    return issue(folder, "rsa", key=RSA)


def settings(certificate: object, key: object, authorities: object = None) -> dict[str, Any]:
    made: dict[str, Any] = {"cert_file": str(certificate), "key_file": str(key)}
    if authorities is not None:
        made["client_auth"] = {"mode": "required", "ca_file": str(authorities)}
    return made


def refused(made: dict[str, Any]) -> str:
    with pytest.raises(TlsError) as raised:
        server_context(made)
    assert isinstance(raised.value, ConfigError)
    assert "\n" not in raised.value.reason
    assert "_ssl" not in raised.value.reason
    return raised.value.reason


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- what is taken


@pytest.mark.parametrize(
    "form", ["pkcs8", "sec1", "parameters first", "certificate first", "crlf", "mark", "two"]
)
def test_keys_of_a_curve(folder: Path, tmp_path: Path, curve: Pair, rsa: Pair, form: str) -> None:
    pkcs8 = curve.key.read_bytes()
    sec1 = openssl("ec", "-in", curve.key)
    assert b"BEGIN EC PRIVATE KEY" in sec1
    content = {
        "pkcs8": pkcs8,
        "sec1": sec1,
        "parameters first": openssl("ecparam", "-name", "prime256v1") + sec1,
        "certificate first": b"a note\n" + curve.certificate.read_bytes() + pkcs8,
        "crlf": pkcs8.replace(b"\n", b"\r\n"),
        "mark": b"\xef\xbb\xbf" + pkcs8,
        "two": pkcs8 + rsa.key.read_bytes(),  # the first one counts
    }[form]
    server_context(settings(curve.certificate, written(tmp_path / "key", content)))


def test_keys_of_rsa(tmp_path: Path, rsa: Pair) -> None:
    pkcs1 = openssl("rsa", "-in", rsa.key, "-traditional")
    assert b"BEGIN RSA PRIVATE KEY" in pkcs1
    server_context(settings(rsa.certificate, written(tmp_path / "key", pkcs1)))
    server_context(settings(rsa.certificate, rsa.key))


def test_an_ed25519_key(tmp_path: Path) -> None:
    pair = issue(tmp_path, "edwards", key=("-newkey", "ed25519"))
    server_context(settings(pair.certificate, pair.key))


def test_one_file_for_both(tmp_path: Path, curve: Pair) -> None:
    both = written(tmp_path / "both.pem", curve.key.read_bytes() + curve.certificate.read_bytes())
    server_context(settings(both, both, both))


def test_a_key_that_others_can_read(tmp_path: Path, curve: Pair) -> None:
    key = written(tmp_path / "key", curve.key.read_bytes())
    key.chmod(0o644)
    server_context(settings(curve.certificate, key))


@pytest.mark.parametrize("form", ["text before", "crlf", "mark", "no last line end", "twice"])
def test_certificates(tmp_path: Path, curve: Pair, form: str) -> None:
    plain = curve.certificate.read_bytes()
    content = {
        "text before": openssl("x509", "-in", curve.certificate, "-text") + b"\xff\xfe and after\n",
        "crlf": plain.replace(b"\n", b"\r\n"),
        "mark": b"\xef\xbb\xbf" + plain,
        "no last line end": plain.rstrip(b"\n"),
        "twice": plain + plain,
    }[form]
    file = written(tmp_path / "cert", content)
    server_context(settings(file, curve.key, file))
    assert expiry_unix(settings(file, curve.key)) == expiry_unix(settings(curve.certificate, curve.key))


def test_what_the_context_speaks(curve: Pair) -> None:
    context = server_context(settings(curve.certificate, curve.key))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version in {ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED}
    assert context.security_level >= 2
    assert context.verify_mode == ssl.CERT_NONE
    for each in context.get_ciphers():
        assert each["protocol"] == "TLSv1.3" or (each["aead"] and each["kea"] == "kx-ecdhe"), each
    for option in (ssl.OP_NO_RENEGOTIATION, ssl.OP_NO_COMPRESSION):
        assert context.options & option


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("none", ssl.CERT_NONE), ("optional", ssl.CERT_OPTIONAL), ("required", ssl.CERT_REQUIRED)],
)
def test_modes(curve: Pair, mode: str, expected: ssl.VerifyMode) -> None:
    file = "/nowhere" if mode == "none" else str(curve.certificate)
    made = settings(curve.certificate, curve.key) | {"client_auth": {"mode": mode, "ca_file": file}}
    assert server_context(made).verify_mode == expected
    assert (
        server_context(settings(curve.certificate, curve.key) | {"client_auth": None}).verify_mode
        == ssl.CERT_NONE
    )


# --- what is refused


def bad_contents(pair: Pair) -> dict[str, bytes]:
    der = pair.der
    return {
        "empty": b"",
        "text": b"hello\n",
        "bytes": bytes(range(256)) * 4,
        "nul": b"\0" * 1000,
        "der": der,
        "utf-16": pair.certificate.read_text().encode("utf-16"),
        "indented": b"".join(
            b"  " + line for line in pair.certificate.read_bytes().splitlines(keepends=True)
        ),
        "begins only": pair.certificate.read_bytes().partition(b"-----END")[0],
        "a request": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "openssh": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    }


KINDS = ("empty", "text", "bytes", "nul", "der", "utf-16", "indented", "begins only", "a request", "openssh")


@pytest.mark.parametrize("content", KINDS)
def test_nothing_usable_in_it(tmp_path: Path, curve: Pair, content: str) -> None:
    bad = written(tmp_path / "bad", bad_contents(curve)[content])
    assert (
        refused(settings(bad, curve.key)) == f"server.tls.cert_file {bad}: there is no PEM certificate in it"
    )
    assert refused(settings(curve.certificate, bad)) == (
        f"server.tls.key_file {bad}: there is no PEM private key in it"
    )
    assert refused(settings(curve.certificate, curve.key, bad)) == (
        f"server.tls.client_auth.ca_file {bad}: there is no PEM certificate in it"
    )
    with pytest.raises(TlsError, match=r"server\.tls\.cert_file .* there is no PEM certificate in it"):
        expiry_unix(settings(bad, curve.key))


@contextmanager
def nobody() -> Iterator[None]:
    """No longer the superuser, who may read everything."""
    who = os.geteuid()
    if who == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(who)


@pytest.mark.parametrize(
    "case", ["missing", "folder", "dangling", "loop", "pipe", "device", "huge", "secret"]
)
def test_no_file_to_read(tmp_path: Path, curve: Pair, case: str) -> None:
    path = tmp_path / "file"
    reason = {
        "missing": "No such file or directory",
        "folder": "it is a folder",
        "dangling": "No such file or directory",
        "loop": "Too many levels of symbolic links",
        "pipe": "it is no regular file",
        "device": "it is no regular file",
        "huge": "it is too large for a PEM file",
        "secret": "Permission denied",
    }[case]
    match case:
        case "folder":
            path.mkdir()
        case "dangling":
            path.symlink_to(tmp_path / "gone")
        case "loop":
            path.symlink_to(path)
        case "pipe":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/zero")
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case "secret":
            written(path, curve.key.read_bytes()).chmod(0)
    made = {
        "cert_file": settings(path, curve.key),
        "key_file": settings(curve.certificate, path),
        "client_auth.ca_file": settings(curve.certificate, curve.key, path),
    }
    for key, each in made.items():
        if case == "secret" and key != "cert_file":
            continue  # somebody who is nobody cannot read the good files either
        with nobody():
            text = refused(each) if case == "secret" else None
        assert (text or refused(each)) == f"server.tls.{key} {path}: {reason}"


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 300, "x/" * 3000])
def test_no_name_of_a_file(curve: Pair, path: str) -> None:
    assert refused(settings(path, curve.key)).startswith("server.tls.cert_file ")


@pytest.mark.parametrize("form", ["pkcs8", "sec1", "pkcs1", "encrypted first"])
def test_an_encrypted_key(tmp_path: Path, curve: Pair, rsa: Pair, form: str) -> None:
    pair = rsa if form == "pkcs1" else curve
    hide = ("-aes256", "-passout", "pass:secret")
    key = {
        "pkcs8": lambda: openssl("pkcs8", "-topk8", "-in", pair.key, "-passout", "pass:secret"),
        "sec1": lambda: openssl("ec", "-in", pair.key, *hide),
        "pkcs1": lambda: openssl("rsa", "-in", pair.key, "-traditional", *hide),
        "encrypted first": lambda: openssl("ec", "-in", pair.key, *hide) + pair.key.read_bytes(),
    }[form]()
    file = written(tmp_path / "key", key)
    expected = f"server.tls.key_file {file}: the key is encrypted; a server needs one without a passphrase"
    assert refused(settings(pair.certificate, file)) == expected


def test_nobody_is_asked_for_a_passphrase(tmp_path: Path, curve: Pair) -> None:
    """With a terminal, where OpenSSL would ask by itself."""
    key = written(tmp_path / "key", openssl("ec", "-in", curve.key, "-aes256", "-passout", "pass:secret"))
    program = (
        f"import sys; sys.path.insert(0, {str(RUNTIME)!r})\n"
        "from agentdc_runtime.host.tls import server_context, TlsError\n"
        f"try: server_context({settings(curve.certificate, key)!r})\n"
        "except TlsError as error: print(error.reason)\n"
    )
    main, other = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=other, stdout=other, stderr=other, start_new_session=True
    ) as process:
        assert process.wait(20) == 0
    shown = os.read(main, 10_000).decode()
    os.close(main)
    os.close(other)
    assert "phrase:" not in shown
    assert shown.rstrip().endswith("the key is encrypted; a server needs one without a passphrase")


def test_a_key_of_another(folder: Path, tmp_path: Path, curve: Pair, rsa: Pair) -> None:
    another = issue(tmp_path, "another")
    last = curve.chained(another).certificate
    first = another.chained(curve).certificate  # the leaf is not the first
    for certificate, key in [
        (curve.certificate, another.key),
        (rsa.certificate, curve.key),
        (first, curve.key),
    ]:
        assert refused(settings(certificate, key)) == (
            f"server.tls.key_file {key}: it is not the key of the first certificate in"
            f" server.tls.cert_file {certificate}"
        )
    server_context(settings(last, curve.key))


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"])
def test_a_damaged_key(tmp_path: Path, curve: Pair, kind: str) -> None:
    key = written(tmp_path / "key", BROKEN.format(kind))
    expected = f"server.tls.key_file {key}: the private key in it is damaged or of an unknown kind"
    assert refused(settings(curve.certificate, key)) == expected


def test_a_damaged_certificate(tmp_path: Path, curve: Pair) -> None:
    alone = written(tmp_path / "alone", BROKEN.format("CERTIFICATE"))
    second = written(tmp_path / "second", curve.certificate.read_text() + BROKEN.format("CERTIFICATE"))
    for file, which in [(alone, "the certificate"), (second, "certificate 2 of 2")]:
        assert refused(settings(file, curve.key)) == f"server.tls.cert_file {file}: {which} in it is damaged"
        assert refused(settings(curve.certificate, curve.key, file)) == (
            f"server.tls.client_auth.ca_file {file}: {which} in it is damaged"
        )


def test_a_certificate_that_only_openssl_finds_damaged(tmp_path: Path, curve: Pair) -> None:
    text = curve.certificate.read_text().replace("\n", "\n*", 3)  # what is no base64 is skipped by Python
    file = written(tmp_path / "cert", text)
    assert ssl.PEM_cert_to_DER_cert(text) == curve.der
    assert (
        refused(settings(file, curve.key)) == f"server.tls.cert_file {file}: a certificate in it is damaged"
    )


def test_a_weak_certificate(tmp_path: Path) -> None:
    pair = issue(tmp_path, "weak", key=("-newkey", "rsa:1024"))
    expected = f"server.tls.cert_file {pair.certificate}: too weak for TLS: ee key too small"
    assert refused(settings(pair.certificate, pair.key)) == expected


def outcome(made: dict[str, Any]) -> str | None:
    try:
        server_context(made)
        expiry_unix(made)
    except TlsError as error:
        return error.reason
    return None


@pytest.mark.parametrize("what", ["certificate", "key"])
def test_mutations_are_told_of_the_right_file(tmp_path: Path, curve: Pair, what: str) -> None:
    chance = random.Random(7)
    original = (curve.certificate if what == "certificate" else curve.key).read_bytes()
    file = tmp_path / "mutated"
    made = settings(file, curve.key, file) if what == "certificate" else settings(curve.certificate, file)
    for _ in range(300):
        content = bytearray(original)
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(len(content))
            content[at : at + chance.choice((0, 1, 1, 9))] = bytes(
                chance.choices(range(256), k=chance.choice((0, 1, 1, 3)))
            )
        file.write_bytes(content)
        reason = outcome(made)
        assert reason is None or (str(file) in reason and "\n" not in reason and "PRIVATE" not in reason)


# --- when it ends


@pytest.mark.parametrize(
    "end",
    [
        "19700101000000Z",
        "19991231235959Z",
        "20000228235959Z",
        "20000229000000Z",
        "20000301000000Z",
        "20241231235959Z",
        "20491231235959Z",  # the last of the short form
        "20500101000000Z",  # the first of the long one
        "21000228235959Z",
        "21000301000000Z",
        "99991231235959Z",
    ],
)
def test_ends_as_openssl_reads_them(tmp_path: Path, end: str) -> None:
    pair = issue(tmp_path, "leaf", dates=("19600101000000Z", end))
    assert (bytes(end, "ascii") if end >= "2050" else bytes(end[2:], "ascii")) in pair.der
    text = openssl("x509", "-in", pair.certificate, "-noout", "-enddate", "-dateopt", "iso_8601").decode()
    read = datetime.strptime(text.strip(), "notAfter=%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
    assert read.strftime("%Y%m%d%H%M%SZ") == end
    assert expiry_unix(settings(pair.certificate, pair.key)) == read.timestamp()


def test_the_end_of_the_leaf_counts(tmp_path: Path, curve: Pair) -> None:
    leaf = issue(tmp_path, "leaf", by=curve, dates=("20200101000000Z", "20300101000000Z")).chained(curve)
    assert expiry_unix(settings(leaf.certificate, leaf.key)) == 1_893_456_000.0


def test_a_certificate_of_the_first_version(tmp_path: Path, curve: Pair) -> None:
    request = openssl("req", "-new", "-key", curve.key, "-subj", "/CN=old")
    old = openssl("x509", "-req", "-signkey", curve.key, "-days", "3", given=request)
    file = written(tmp_path / "old", old)
    assert b"Version: 1 (" in openssl("x509", "-in", file, "-noout", "-text")
    seconds = openssl("x509", "-in", file, "-noout", "-enddate").decode().strip().partition("=")[2]
    assert expiry_unix(settings(file, curve.key)) == ssl.cert_time_to_seconds(seconds)


DAY = 86_400.0


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (14 * DAY + 1, None),
        (400 * DAY, None),
        (14 * DAY, "expires in 14 days"),
        (14 * DAY - 1, "expires in 13 days"),
        (2 * DAY, "expires in 2 days"),
        (2 * DAY - 1, "expires in 1 day"),
        (DAY, "expires in 1 day"),
        (DAY - 1, "expires in 23 hours"),
        (7200 - 1, "expires in 1 hour"),
        (3600 - 1, "expires within the hour"),
        (1, "expires within the hour"),
        (0, "has expired"),
        (-1, "has expired"),
        (-1e12, "has expired"),
    ],
)
def test_warnings(left: float, expected: str | None) -> None:
    text = expiry_warning(1_800_000_000.0 + left, 1_800_000_000.0)
    assert text == (None if expected is None else f"the server certificate {expected}")


def test_dates_need_no_calendar() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(RUNTIME)!r})\n"
        "from agentdc_runtime.host import tls; tls._days(2024, 2, 29)\n"
        "print({'calendar', 'datetime', '_strptime', 'typing', 'dataclasses', 'logging'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
