"""`agentdc new NAME`: a folder with a workflow that works, its input, and a test of it."""

from __future__ import annotations

from importlib.resources import files as resources
from pathlib import Path

from agentdc.driver import files

TEXTS = ("workflow.toml", "input.json", "expected.json", "test.sh", "README.md")


def make(name: str) -> list[Path]:
    """Write the folder; the paths of its files. FileProblem when it exists or cannot be written."""
    folder = Path(name)
    if folder.exists():
        raise files.FileProblem(files.exists(folder, "would be changed"))
    package = resources("agentdc_templates").joinpath("starter")
    title = "".join(each if each.isalnum() or each in "-_" else "-" for each in folder.name) or "agent"
    texts = {each: package.joinpath(each).read_text("utf-8").replace("@NAME@", title) for each in TEXTS}
    files.write_tree(folder, {each: text.encode() for each, text in texts.items()})
    (folder / "test.sh").chmod(0o755)
    return [folder / each for each in TEXTS]
