"""SHA-256 and SHA-512 without OpenSSL: linking costs nothing, a call loads one small built-in module.

`hashlib` would load the OpenSSL binding, which a one-shot app needs for nothing else. It is the last resort
here, for interpreters that were built without their own digests.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def sha512(parts: Iterable[bytes]) -> bytes:
    """The 64-byte SHA-512 of the parts, one after the other."""
    try:
        from _sha2 import sha512 as new  # type: ignore[import-not-found]  # from Python 3.12 on
    except ImportError:
        try:
            from _sha512 import sha512 as new  # type: ignore[import-not-found]
        except ImportError:
            from hashlib import sha512 as new
    digest = new()
    for part in parts:
        digest.update(part)
    return bytes(digest.digest())


def sha256(data: bytes) -> bytes:
    """The 32-byte SHA-256 of `data`."""
    try:
        from _sha2 import sha256 as new  # from Python 3.12 on
    except ImportError:
        try:
            from _sha256 import sha256 as new  # type: ignore[import-not-found]
        except ImportError:
            from hashlib import sha256 as new
    return bytes(new(data).digest())
