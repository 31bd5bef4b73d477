"""Why an exchange failed, in one line. Links nothing before it is asked.

Names the host and never what was sent or received: a peer that echoes a header back in a broken answer must not
put a secret into an error text. So the wording of libraries, which quote bytes, is not repeated.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdc_runtime.net.http_client import Limits

# The beginning of what the protocol library says, and what it means here.
_BREACHES = (
    ("Server disconnected without", "closed the connection without an answer"),
    ("peer closed connection without sending complete", "closed the connection in the middle of its answer"),
    ("peer unexpectedly closed connection", "closed the connection in the middle of its answer"),
    ("Receive buffer too long", "sent an answer whose head is too large"),
    ("conflicting Content-Length", "sent two different lengths for its answer"),
    ("bad Content-Length", "sent a length that is no number"),
)
_NOT_HTTP = "answered with something that is not HTTP/1.1"


def reason(error: BaseException, peer: str, limits: Limits) -> str:
    """The sentence for an exception of one exchange with `peer` (host and port)."""
    import httpx

    match error:
        case httpx.ConnectTimeout():
            return f"no connection to {peer} within {limits.connect:g} s"
        case httpx.ReadTimeout():
            return f"{peer} sent nothing for {limits.read:g} s"
        case httpx.WriteTimeout():
            return f"{peer} took nothing for {limits.write:g} s"
        case TimeoutError() | httpx.TimeoutException():
            return f"the exchange with {peer} took longer than {limits.total:g} s"
        case httpx.LocalProtocolError():
            return f"the request to {peer} cannot be written as HTTP/1.1"
        case httpx.ProtocolError():
            return f"{peer} {_breach(str(error))}"
        case httpx.ConnectError():
            return _unconnected(error, peer)
        case httpx.ProxyError():
            return f"the proxy makes no connection to {peer}"
        case _:
            return f"the connection to {peer} broke: {_os_words(error) or 'it was reset or closed'}"


def _breach(said: str) -> str:
    return next((ours for theirs, ours in _BREACHES if said.startswith(theirs)), _NOT_HTTP)


def _unconnected(error: BaseException, peer: str) -> str:
    import socket
    import ssl

    # An end of the stream, and a wait for more of it, are told as what the network did; so is what has no reason,
    # which is how older interpreters tell of a stream that ends.
    passing = (ssl.SSLEOFError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {peer} is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, passing) and cause.reason:
            words = cause.reason.replace("_", " ").lower()
            return f"no TLS connection to {peer}: {words}"
        if isinstance(cause, socket.gaierror):
            return f"the name of {peer} cannot be resolved: {cause.strerror}"
    return f"no connection to {peer}: {_os_words(error) or 'it was closed during the TLS handshake'}"


def _os_words(error: BaseException) -> str:
    """What the operating system says about the first failed call, if it was one."""
    from os import strerror
    from ssl import SSLError  # an OSError, whose numbers are of its own

    failed = (each for each in _causes(error) if isinstance(each, OSError) and not isinstance(each, SSLError))
    return next((strerror(each.errno) for each in failed if each.errno), "")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, members of groups included, nearest first."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting.extend(getattr(each, "exceptions", ()))
        waiting.extend(link for link in (each.__cause__, each.__context__) if link is not None)
