"""Request bodies to payloads, by content type (spec 02 §1.6). Links `jsontext`, and the two form decoders."""

from __future__ import annotations

from agentdc_runtime.http.form import FormError, urlencoded
from agentdc_runtime.http.multipart import fields
from agentdc_runtime.jsontext import JsonError, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Json


class BodyError(Exception):
    """A body that cannot be decoded; `message` is for the caller and never quotes the body."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def decode(content_type: str | None, body: bytes, dropped: Callable[[str, str, int], None]) -> Json:
    """The payload. `dropped` hears of each file part that is left out: field, file name, bytes. BodyError."""
    if content_type is not None and content_type != "application/json":
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return _form(body)
        if media_type == "multipart/form-data":
            return _multipart(content_type, body, dropped)
    if not body:
        return None
    try:
        return loads(body.decode())
    except UnicodeDecodeError as error:
        raise BodyError(f"invalid JSON body: not UTF-8 at byte {error.start}") from None
    except JsonError as error:
        raise BodyError(f"invalid JSON body: {error.reason}") from None


def _form(body: bytes) -> Json:
    try:
        return urlencoded(body)
    except FormError as error:
        raise BodyError(f"invalid form body: {error}") from None


def _multipart(content_type: str, body: bytes, dropped: Callable[[str, str, int], None]) -> Json:
    try:
        return fields(content_type, body, dropped)
    except FormError as error:
        raise BodyError(f"invalid multipart body: {error}") from None
