"""Signatures from end to end: openssl signs, `agentdc` and the app verify, row by row of spec 02 §7.2.

Each row is put to the compiler as files, and to a built app by changing what it has embedded.
"""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from command import AGENTDC, GREET, Done, agentdc, app, codes, powerless, run
from command import here as in_process

Cli = Callable[..., Done]

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")
BLOCK = '\n[signing]\npublic_key_file = "ops.pub"\n'
REFUSED = "workflow signature verification failed: "


def openssl(*arguments: str | Path, cwd: Path) -> bytes:
    assert OPENSSL is not None
    return subprocess.run([OPENSSL, *map(str, arguments)], cwd=cwd, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two key pairs of openssl's making: ops and other."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ops", "other"):
        openssl("genpkey", "-algorithm", "ed25519", "-out", f"{name}.pem", cwd=folder)
        openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub", cwd=folder)
    return folder


@pytest.fixture
def here(keys: Path, tmp_path: Path) -> Path:
    for each in keys.iterdir():
        shutil.copy(each, tmp_path)
    return tmp_path


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(here)
    return lambda *words: in_process(*words, capsys=capsys)


def fingerprint(here: Path, name: str) -> str:
    der = openssl("pkey", "-pubin", "-in", f"{name}.pub", "-outform", "DER", cwd=here)
    return sha256(der[-32:]).hexdigest()[:16]


def sign(here: Path, text: str, key: str = "ops") -> str:
    """w.toml with this text, and its signature made by openssl beside it; the signature's text."""
    (here / "w.toml").write_text(text)
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", f"{key}.pem", "-in", "w.toml", "-out", "raw", cwd=here)
    line = b64encode((here / "raw").read_bytes()).decode() + "\n"
    (here / "w.toml.sig").write_text(line)
    (here / "raw").unlink()
    return line


# --- openssl's signatures hold everywhere


def test_what_openssl_signs_is_verified_everywhere(here: Path, cli: Cli) -> None:
    sign(here, GREET + BLOCK + "required = true\n")
    mark = fingerprint(here, "ops")
    done = cli("verify", "w.toml")
    assert (done.returncode, done.stdout) == (0, f"w.toml: the signature fits; key {mark}\n")
    assert cli("verify", "w.toml", "--key", "ops.pub").returncode == 0
    assert cli("check", "w.toml").returncode == 0
    assert cli("build", "w.toml", "-o", "app/").returncode == 0
    assert json.loads((here / "app/greet/manifest.json").read_text())["signed_by"] == mark
    assert (here / "app/greet/workflow.toml").read_bytes() == (here / "w.toml").read_bytes()
    assert len((here / "app/greet/workflow.toml.sig").read_bytes()) == 64
    for words in ((), ("--signing-required", "--signing-key-file", "ops.pub")):
        done = app(here / "app", "--log-level", "info", *words, cwd=here)
        assert done.returncode == 0
        assert f'event="signing.verified" key_fingerprint="{mark}"' in done.stderr
    assert agentdc("run", "w.toml", "--signing-required", cwd=here).returncode == 0


def test_what_agentdc_signs_openssl_verifies(here: Path, cli: Cli) -> None:
    made = cli("keygen", "-o", "mine")
    assert made.returncode == 0
    assert stat.S_IMODE((here / "mine").stat().st_mode) == 0o600
    assert f"fingerprint: {fingerprint_of(here / 'mine.pub')}\n" in made.stdout
    (here / "w.toml").write_text(GREET)
    signed = cli("sign", "w.toml", "--key", "mine")
    assert (signed.returncode, signed.stdout.splitlines()[0]) == (0, "signature:   w.toml.sig")
    openssl("base64", "-d", "-A", "-in", "w.toml.sig", "-out", "raw", cwd=here)
    words = (
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-inkey",
        "mine.pub",
        "-in",
        "w.toml",
        "-sigfile",
        "raw",
    )
    openssl(*words, cwd=here)
    assert cli("verify", "w.toml", "--key", "mine.pub").returncode == 0
    assert cli("sign", "w.toml", "--key", "ops.pem").returncode == 0  # openssl's key, our signature
    assert cli("verify", "w.toml", "--key", "ops.pub").returncode == 0
    assert cli("verify", "w.toml", "--key", "mine.pub").returncode == 5


def fingerprint_of(path: Path) -> str:
    return fingerprint(path.parent, path.stem)


def test_keys_are_not_replaced_by_accident(here: Path, cli: Cli) -> None:
    before = {each.name: each.read_bytes() for each in here.iterdir()}
    done = cli("keygen", "-o", "ops")  # ops.pub is there
    assert (done.returncode, codes(done.stderr)) == (2, ["output_exists"])
    assert {each.name: each.read_bytes() for each in here.iterdir()} == before
    assert cli("keygen", "-o", "ops", "--force").returncode == 0
    assert (here / "ops.pub").read_bytes() != before["ops.pub"]


def test_keys_that_cannot_be_used(here: Path, cli: Cli) -> None:
    sign(here, GREET)
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem", cwd=here)
    openssl("pkey", "-in", "rsa.pem", "-pubout", "-out", "rsa.pub", cwd=here)
    (here / "locked.pem").write_bytes(
        openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x", cwd=here)
    )
    for words, slug in (
        (("sign", "w.toml", "--key", "missing"), "unreadable_file"),
        (("sign", "missing", "--key", "ops.pem"), "unreadable_file"),
        (("sign", "w.toml", "--key", "ops.pub"), "signature_key_malformed"),
        (("sign", "w.toml", "--key", "rsa.pem"), "signature_key_malformed"),
        (("sign", "w.toml", "--key", "locked.pem"), "signature_key_malformed"),
        (("sign", "w.toml", "--key", "w.toml"), "signature_key_malformed"),
        (("sign", "w.toml", "--key", "."), "unreadable_file"),
    ):
        done = cli(*words)
        assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", [slug]), words
        assert "PRIVATE KEY" not in done.stderr
    for key in ("missing", "ops.pem", "rsa.pub", "w.toml"):
        done = cli("verify", "w.toml", "--key", key)
        assert (done.returncode, codes(done.stderr)) == (5, ["signature_key_malformed"]), key


# --- §7.2 for the compiler

PEM = "public_key_pem = '''@PEM@'''\n"
# What the file declares, what becomes of the signature, flags; the finding and the exit status of `check`.
ROWS: dict[str, tuple[str, str | None, str, str, int]] = {
    "1 nothing asks": ("", None, "", "", 0),
    "1 a signature that nobody asks for": ("", "bad", "", "", 0),
    "2 forced": ("", "good", "--signing-required", "signing_not_declared", 5),
    "3 another algorithm": ('[signing]\nalgorithm = "rsa"\n', "good", "", "signature_unsupported", 5),
    "3 in any case": ('[signing]\nalgorithm = "Ed25519"\npublic_key_file = "ops.pub"\n', "good", "", "", 0),
    "4 required": (
        "[signing]\nrequired = true\npublic_key_file = 'ops.pub'\n",
        None,
        "",
        "signature_missing",
        5,
    ),
    "4 forced": (BLOCK, None, "--signing-required", "signature_missing", 5),
    "4 forced, own key": ("", None, "--signing-required --signing-key-file ops.pub", "signature_missing", 5),
    "5 not required": (BLOCK, None, "", "signature_bypassed", 0),
    "6 not base64": (BLOCK, "!!!", "", "signature_malformed", 5),
    "6 unreadable": (BLOCK, "directory", "", "signature_malformed", 5),
    "7 no key": ("[signing]\n", "good", "", "signature_key_malformed", 5),
    "7 two keys": (BLOCK + PEM, "good", "", "signature_key_malformed", 5),
    "7 missing": ("[signing]\npublic_key_file = 'missing'\n", "good", "", "signature_key_malformed", 5),
    "7 not a key": ("[signing]\npublic_key_file = 'w.toml'\n", "good", "", "signature_key_malformed", 5),
    "7 the private one": (
        "[signing]\npublic_key_file = 'ops.pem'\n",
        "good",
        "",
        "signature_key_malformed",
        5,
    ),
    "7 missing flag": (BLOCK, "good", "--signing-key-file missing", "signature_key_malformed", 5),
    "8 empty": (BLOCK, "", "", "signature_malformed", 5),
    "8 too short": (BLOCK, b64encode(bytes(63)).decode(), "", "signature_malformed", 5),
    "8 too long": (BLOCK, b64encode(bytes(65)).decode(), "", "signature_malformed", 5),
    "9 of another text": (BLOCK, b64encode(bytes(64)).decode(), "", "signature_mismatch", 5),
    "9 of another key": (BLOCK, "good", "--signing-key-file other.pub", "signature_mismatch", 5),
    "10 a file": (BLOCK, "good", "", "", 0),
    "10 inline": ("[signing]\n" + PEM, "good", "", "", 0),
    "10 wrapped text": (BLOCK, "wrapped", "", "", 0),
    "10 forced, key in the file": (BLOCK, "good", "--signing-required", "signature_no_pin", 0),
    "10 pinned": (BLOCK, "good", "--signing-required --signing-key-file ops.pub", "", 0),
    "10 pinned, no block": ("", "good", "--signing-required --signing-key-file ops.pub", "", 0),
    "10 the flag replaces both keys": (BLOCK + PEM, "good", "--signing-key-file ops.pub", "", 0),
}


def lay(here: Path, block: str, signature: str | None) -> None:
    pem = (here / "ops.pub").read_text().strip()
    good = sign(here, GREET + "\n" + block.replace("@PEM@", pem))
    path = here / "w.toml.sig"
    path.unlink()
    if signature == "directory":
        path.mkdir()
    elif signature is not None:
        words = {
            "good": good,
            "bad": "nonsense",
            "wrapped": f"\n {good[:40]} \r\n{good[40:].rstrip().rstrip('=')}",
        }
        path.write_text(words.get(signature, signature))


@pytest.mark.parametrize("row", ROWS)
def test_rows_for_the_compiler(here: Path, cli: Cli, row: str) -> None:
    block, signature, flags, slug, status = ROWS[row]
    lay(here, block, signature)
    before = sorted(each.name for each in here.iterdir())
    checked = cli("check", "w.toml", *flags.split())
    assert (checked.returncode, codes(checked.stdout)) == (status, [slug] if slug else [])
    built = cli("build", "w.toml", "-o", "app/", *flags.split())
    assert (built.returncode, codes(built.stderr)) == (status, [slug] if slug else [])
    if status:
        assert sorted(each.name for each in here.iterdir()) == before


def test_a_signature_without_permission(here: Path) -> None:
    sign(here, GREET + BLOCK)
    (here / "w.toml.sig").chmod(0)
    done = run([*powerless(), *AGENTDC, "check", "w.toml"], cwd=here)
    assert (done.returncode, codes(done.stdout)) == (5, ["signature_malformed"])
    assert "ermission denied" in done.stdout


def test_trust_comes_before_everything_else(here: Path, cli: Cli) -> None:
    """A file whose signature does not fit is not believed, so nothing else is said of it."""
    sign(here, GREET + BLOCK)
    (here / "w.toml").write_text(GREET.replace("manual", "nonsense") + BLOCK)
    for words in (("check", "w.toml"), ("build", "w.toml", "-o", "app/"), ("run", "w.toml")):
        done = cli(*words)
        assert (done.returncode, codes(done.stdout + done.stderr)) == (5, ["signature_mismatch"])
    assert not (here / "app").exists()


def test_a_file_without_extension(here: Path, cli: Cli) -> None:
    sign(here, GREET + BLOCK)
    (here / "w.toml").rename(here / "w")
    for name in ("w.sig", "w..sig"):
        path = (here / "w.toml.sig").rename(here / name)
        assert cli("verify", "w").returncode == 0
        path.rename(here / "w.toml.sig")
    assert cli("verify", "w").returncode == 5


# --- §7.2 for the app


@pytest.fixture(scope="session")
def signed(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed app as a directory, built with `required`, beside its keys."""
    folder = tmp_path_factory.mktemp("signed")
    for each in keys.iterdir():
        shutil.copy(each, folder)
    sign(folder, GREET + BLOCK + "required = true\n")
    assert agentdc("build", "w.toml", "-o", "app/", cwd=folder).returncode == 0
    return folder


@pytest.fixture
def copy(signed: Path, tmp_path: Path) -> Path:
    shutil.copytree(signed, tmp_path, dirs_exist_ok=True)
    return tmp_path


Operand = dict[str, object] | None
REQUIRED = {"required": True, "public_key_file": "ops.pub"}
GREETED = GREET + BLOCK + "required = true\n"
# The signing operand, what is embedded as the signature and the text (None: as built), flags; event, reason.
APP_ROWS: dict[str, tuple[Operand, bytes | None, str | None, str, str, str]] = {
    "1": (None, None, None, "", "", ""),
    "2": (None, None, None, "--signing-required", "signing.required_override", "has no [signing] block"),
    "3": ({**REQUIRED, "algorithm": "rsa"}, None, None, "", "signing.unsupported", "'rsa' is not ed25519"),
    "4 required": (REQUIRED, b"", None, "", "signing.sig_missing", "embeds no signature"),
    "4 forced": (
        {"public_key_file": "ops.pub"},
        b"",
        None,
        "--signing-required",
        "signing.sig_missing",
        "embeds no",
    ),
    "5": ({"public_key_file": "ops.pub"}, b"", None, "", "signing.bypassed", ""),
    "7 no key": ({}, None, None, "", "signing.pubkey_malformed", "no public key is configured"),
    "7 missing": ({"public_key_file": "missing"}, None, None, "", "signing.pubkey_malformed", "No such file"),
    "7 two": ({**REQUIRED, "public_key_pem": "x"}, None, None, "", "signing.pubkey_malformed", "both set"),
    "7 no key file": (
        REQUIRED,
        None,
        None,
        "--signing-key-file w.toml",
        "signing.pubkey_malformed",
        "cannot be used",
    ),
    "8": (REQUIRED, bytes(63), None, "", "signing.sig_malformed", "63 bytes instead of 64"),
    "9 signature": (REQUIRED, bytes(64), None, "", "signing.verification_failed", "does not fit"),
    "9 text": (REQUIRED, None, GREETED + " ", "", "signing.verification_failed", "does not fit"),
    "9 text, not required": (
        {"public_key_file": "ops.pub"},
        None,
        GREET,
        "",
        "signing.verification_failed",
        "does not",
    ),
    "9 key": (
        REQUIRED,
        None,
        None,
        "--signing-key-file other.pub",
        "signing.verification_failed",
        "does not fit",
    ),
    "10": (REQUIRED, None, None, "", "signing.verified", ""),
    "10 flag": (
        {**REQUIRED, "public_key_pem": "x"},
        None,
        None,
        "--signing-key-file ops.pub",
        "signing.verified",
        "",
    ),
    "10 no block": (None, None, None, "--signing-key-file ops.pub", "signing.verified", ""),
}


@pytest.mark.parametrize("row", APP_ROWS)
def test_rows_for_the_app(copy: Path, row: str) -> None:
    signing, signature, text, flags, event, reason = APP_ROWS[row]
    package = copy / "app/greet"
    operands = json.loads((package / "operands.json").read_text())
    (package / "operands.json").write_text(json.dumps({**operands, "signing": signing}))
    if signature is not None:
        (package / "workflow.toml.sig").write_bytes(signature)
    if text is not None:
        (package / "workflow.toml").write_text(text)
    done = app(copy / "app", "--log-level", "info", "--log-format", "json", *flags.split(), cwd=copy)
    lines = [json.loads(line)["fields"] for line in done.stderr.splitlines() if line.startswith("{")]
    told = [each for each in lines if each["event"].startswith("signing.")]
    assert [each["event"] for each in told] == ([event] if event else [])
    if not reason:
        assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "completed")
        return
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.splitlines()[-1].startswith(f"app: {REFUSED}")
    assert reason in done.stderr.splitlines()[-1]
    assert told[0]["required"] is (bool(signing and signing.get("required")) or "--signing-required" in flags)
    assert told[0]["reason"] in done.stderr.splitlines()[-1]
    assert ("key_fingerprint" in told[0]) == (row[0] in "89")
    assert not any(each["event"].startswith("workflow.") for each in lines)


def test_a_key_file_that_cannot_be_read(copy: Path) -> None:
    done = app(copy / "app", "--signing-key-file", "missing", cwd=copy)
    assert (done.returncode, done.stdout) == (5, "")
    assert "missing: No such file or directory" in done.stderr


def test_environment_twins(copy: Path) -> None:
    assert (
        app(copy / "app", cwd=copy, AGENTD_SIGNING_KEY_FILE="ops.pub", AGENTD_SIGNING_REQUIRED="1").returncode
        == 0
    )
    done = app(copy / "app", cwd=copy, AGENTD_SIGNING_KEY_FILE="other.pub")
    assert (done.returncode, REFUSED in done.stderr) == (5, True)
    ours = ("--signing-key-file", "ops.pub")
    assert app(copy / "app", *ours, cwd=copy, AGENTD_SIGNING_KEY_FILE="other.pub").returncode == 0


def test_validate_only_verifies_nothing(copy: Path) -> None:
    (copy / "app/greet/workflow.toml").write_text("tampered")
    done = app(copy / "app", "--validate-only", "--signing-required", cwd=copy)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True, "workflow": "greet"})


def test_an_app_without_signing_refuses_when_asked(here: Path, cli: Cli) -> None:
    (here / "w.toml").write_text(GREET)
    assert cli("build", "w.toml", "-o", "app/").returncode == 0
    assert not (here / "app/agentdc_runtime/signing").exists()
    for words in (("--signing-required",), ("--signing-key-file", "ops.pub")):
        done = app(here / "app", *words, cwd=here)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr == f"app: {REFUSED}this app was built without signing support\n"


def test_run_demands_what_the_app_demands(here: Path, cli: Cli) -> None:
    sign(here, GREET + BLOCK)
    for words in (("--signing-key-file", "other.pub"), ("--signing-key-file=other.pub",)):
        done = cli("run", "w.toml", *words)
        assert (done.returncode, done.stdout, codes(done.stderr)) == (5, "", ["signature_mismatch"])
    assert (
        agentdc("run", "w.toml", "--signing-required", "--signing-key-file", "ops.pub", cwd=here).returncode
        == 0
    )
    (here / "w.toml").write_text(GREET)
    done = agentdc("run", "w.toml", cwd=here, AGENTD_SIGNING_REQUIRED="true")
    assert (done.returncode, codes(done.stderr)) == (5, ["signing_not_declared"])
