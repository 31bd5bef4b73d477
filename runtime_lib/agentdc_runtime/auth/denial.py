"""The answer no. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Denial:
    """Why a caller is not let in. `detail`: the class of cause, never a credential.

    `renew`: what might change the verdict when awaited (newer keys of a token issuer), or None.
    """

    __slots__ = ("detail", "renew")

    def __init__(self, detail: str, renew: Callable[[], Awaitable[None]] | None = None) -> None:
        self.detail = detail
        self.renew = renew
