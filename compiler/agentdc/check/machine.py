"""Files that the app reads where it starts: certificates, and keys of token issuers (spec 02 §0, steps 14 and 15).

They belong to the machine of the app. Those that lie at the same path where `check` runs are looked at, and only
warned about, since there may be others there; one that is absent says nothing. Private keys are never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from agentdc.check import errors, jwks
from agentdc.check.auth import keys
from agentdc.diagnostics import Diagnostic, Severity
from agentdc.model.server import Tls
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

Place = tuple[str | int, ...]

_NOTE = "this is the file as it is here; on the machine of the app it may be another one"
_BLOCK = re.compile(rb"^-----BEGIN CERTIFICATE-----.*?^-----END CERTIFICATE-----", re.DOTALL | re.MULTILINE)


def named(workflow: Workflow) -> Iterator[tuple[Place, str]]:
    """(place, path as written) of every file that is looked at."""
    for name, oidc in ({} if workflow.auth is None else workflow.auth.oidc).items():
        if oidc.jwks_file is not None:
            yield ("auth", "oidc", name, "jwks_file"), oidc.jwks_file
    yield from _certificates(None if workflow.server is None else workflow.server.tls)


def check(workflow: Workflow, files: Mapping[str, bytes], at: Places) -> Iterator[Diagnostic]:
    """What would refuse the start. `files`: those that are there, by path as written."""
    for place, path in named(workflow):
        data = files.get(path)
        if data is None:
            continue
        where = at.value(place)
        if place[0] == "auth":
            assert workflow.auth is not None
            name = str(place[2])
            title = f"the jwks_file of [auth.oidc.{name}]"
            found = keys(title, workflow.auth.oidc[name], _read(data), where)
        else:
            problem = _unusable(data)
            found = iter(() if problem is None else (errors.bad_certificate(str(place[-1]), problem, where),))
        for each in found:
            yield replace(each, severity=Severity.WARNING, notes=(*each.notes, _NOTE))


def _certificates(tls: Tls | None) -> Iterator[tuple[Place, str]]:
    if tls is None:
        return
    yield ("server", "tls", "cert_file"), tls.cert_file
    if tls.client_auth is not None and tls.client_auth.mode != "none":
        yield ("server", "tls", "client_auth", "ca_file"), tls.client_auth.ca_file


def _read(data: bytes) -> jwks.Found:
    try:
        return jwks.read(data.decode())
    except UnicodeDecodeError:
        return jwks.Found(("it is not UTF-8 text",))


def _unusable(data: bytes) -> str | None:
    """Why these are no certificates that an app could load."""
    blocks = _BLOCK.findall(data.removeprefix(b"\xef\xbb\xbf"))
    if not blocks:
        return "there is no PEM certificate in it"
    import ssl  # only workflows whose certificates lie here pay for it

    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the judge of the app, too
    for number, block in enumerate(blocks, 1):
        try:
            trial.load_verify_locations(cadata=ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
        except (ssl.SSLError, ValueError):
            which = "the certificate" if len(blocks) == 1 else f"certificate {number} of {len(blocks)}"
            return f"{which} in it is damaged"
    return None
