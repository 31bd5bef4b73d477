"""agentdc: compiles declarative TOML agent workflows to standalone Python apps.

    import agentdc

    report = agentdc.check_text(text, name="workflow.toml", deny=["maybe_missing"])
    for finding in report.diagnostics:
        print(finding.code.slug, finding.message, finding.primary and finding.primary.span.line)

The function is not called `check`, which is the package of the checker. Importing this loads nothing else.
"""

from __future__ import annotations

from agentdc.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentdc.driver.check import Report

__version__ = VERSION


def check_text(
    text: str | bytes,
    *,
    name: str = "workflow.toml",
    read: Callable[[str], bytes] | None = None,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    agentd_dialect: bool = False,
    strict: bool = False,
    require_policy: bool = False,
    explain_unknown: bool = False,
    signing_required: bool = False,
    signing_key_file: str | None = None,
) -> Report:
    """Everything that `agentdc check` finds in a text, and what it proves: diagnostics and facts. No disk is touched.

    `name`: what the text is called; children and schemas are looked for beside it too. `read`: gives the bytes of a
    path (children, schema files, signatures, keys), or raises OSError; without it there are no such files. `allow`
    and `deny`: codes by number or slug; ValueError for one that does not exist.
    """
    from agentdc.check.validate import Options
    from agentdc.diagnostics import SourceFile
    from agentdc.diagnostics.named import slugs
    from agentdc.driver.check import Signing, check_source
    from agentdc.driver.sources import Given, nothing

    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    options = Options(slugs(allow), agentd_dialect, strict, require_policy, explain_unknown, deny=slugs(deny))
    signing = Signing(signing_required, signing_key_file)
    return check_source(SourceFile(name, data), options, signing, Given(read or nothing))
