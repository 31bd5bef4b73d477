"""`multipart/form-data` (spec 02 §1.6, RFC 7578, RFC 2046 §5.1). Links `form` for its error.

Text parts become fields; a part with a file name is left out and told. A delimiter is a whole line: two hyphens and
the boundary, then `--` if it is the closing one, or nothing but blanks. Anywhere else it is content. Lines end in LF
or CRLF. A closing delimiter may be missing.

Every search goes on where the last one ended and nothing is copied twice, so the time is proportional to the body
however many delimiters or parameters it has.
"""

from __future__ import annotations

from agentdc_runtime.http.form import FormError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def fields(content_type: str, body: bytes, dropped: Callable[[str, str, int], None]) -> dict[str, str]:
    """The fields; of a repeated one the last. `dropped`: field, file name and bytes of a file. FormError."""
    delimiter = f"--{_boundary(content_type)}"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise FormError("not UTF-8") from None
    found: dict[str, str] = {}
    for part in _parts(text, delimiter):
        head, content = _split(part)
        parameters = _disposition(head)
        name = parameters.get("name")
        if name is None:
            raise FormError("a part has no name")
        if "filename" in parameters:
            dropped(name, parameters["filename"], len(content.encode()))
        else:
            found[name] = content
    return found


def _boundary(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        if not parameter.strip():
            continue
        name, equals, value = parameter.partition("=")
        if not equals:
            raise FormError("the boundary cannot be read: a parameter of the content type has no `=`")
        if name.strip().lower() == "boundary":
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            if value:
                return value
    raise FormError("the content type has no boundary")


def _parts(text: str, delimiter: str) -> Iterator[str]:
    """What stands between two delimiters. The line break in front of one belongs to it (RFC 2046 §5.1.1)."""
    text = f"\n{text}"  # so that every delimiter has one in front, and hits cannot overlap
    mark = f"\n{delimiter}"
    start = -1
    at = text.find(mark)
    while at >= 0:
        behind = at + len(mark)
        closing = text.startswith("--", behind)
        end = text.find("\n", behind)
        end = len(text) if end < 0 else end
        if closing or not text[behind:end].strip(" \t\r"):
            if start >= 0:
                yield text[start:at].removesuffix("\r")
            if closing:
                return
            start = end + 1
        at = text.find(mark, end)
    if 0 <= start < len(text):
        yield text[start:].removesuffix("\n").removesuffix("\r")


def _split(part: str) -> tuple[str, str]:
    """Headers and content, on both sides of the first blank line."""
    if part.startswith(("\r\n", "\n")):
        return "", part.removeprefix("\r").removeprefix("\n")
    at, size = part.find("\n\r\n"), 3
    bare = part.find("\n\n", 0, len(part) if at < 0 else at)
    if bare >= 0:
        at, size = bare, 2
    if at < 0:
        raise FormError("a part has no blank line behind its headers")
    return part[:at], part[at + size :]


def _disposition(head: str) -> dict[str, str]:
    """The parameters of a part's Content-Disposition."""
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return dict(_parameters(value.strip()))
    return {}


def _parameters(value: str) -> Iterator[tuple[str, str]]:
    """Names in lower case, with their values; a parameter without `=` is skipped."""
    at = value.find(";")
    while at >= 0:
        begin = at + 1
        at = value.find(";", begin)
        equals = value.find("=", begin, len(value) if at < 0 else at)
        if equals < 0:
            continue
        name = value[begin:equals].strip().lower()
        begin = equals + 1
        while value[begin : begin + 1] in {" ", "\t"}:
            begin += 1
        if value[begin : begin + 1] == '"':
            word, behind = _quoted(value, begin + 1)
            at = value.find(";", behind)
        else:
            word = value[begin : len(value) if at < 0 else at].strip()
        yield name, word


def _quoted(value: str, at: int) -> tuple[str, int]:
    """The quoted string whose content begins at `at`, with `\\"` and `\\\\` undone, and the place behind it."""
    word = []
    quote = _quote(value, at)
    slash = value.find("\\", at, quote)
    while slash >= 0:
        undone = value[slash + 1 : slash + 2] in {'"', "\\"}  # any other is the path of a file on Windows
        word.append(value[at : slash + (not undone)])
        at = slash + 1
        behind = at + undone
        if quote < behind:
            quote = _quote(value, behind)
        slash = value.find("\\", behind, quote)
    word.append(value[at:quote])
    return "".join(word), quote + 1


def _quote(value: str, at: int) -> int:
    found = value.find('"', at)
    return len(value) if found < 0 else found
