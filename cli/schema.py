"""`lab schema`: JSON Schemas for editors, and the lists of fields in the docs."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from cli.context import ROOT, JsonOption, print_json, terminal
from documents.files import replace_file

PAGES = ("stack-document.md", "protocol.md", "adding-an-api.md", "files.md")
"""The pages in `docs/` that list fields. A model of two pages is on the first."""


def schema(json: JsonOption = False) -> None:
    """Write the JSON Schemas of the lab's documents, and the fields that the docs list.

    The documents are stack, protocol, implementation and the files of a run, from the models in `documents/`. Run this
    after a change there, and commit the files.
    """
    names: list[str] = []
    for path, text in generated(ROOT).items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            replace_file(path, text)
            names.append(str(path.relative_to(ROOT)))
    if json:
        print_json(names)
        return
    console = terminal()
    for name in names:
        console.print(f"written: {name}", markup=False, soft_wrap=True)
    if not names:
        console.print("Schemas and docs are current.")


def generated(project: Path) -> dict[Path, str]:
    """Each file that the command writes, with its text."""
    from analysis.pages.summary_csv import MEANINGS
    from documents.base import Document
    from documents.lab import Drift
    from documents.report import ApiCheck, Gate, History, ListedRun, PrunedRuns
    from documents.run import Sample
    from documents.schema import SCHEMAS, FieldTables, described, schema_files
    from experiment.progress import Event

    # No file has these; commands print them with --json.
    printed: tuple[type[Document], ...] = (Gate, History, ListedRun, PrunedRuns, Drift, ApiCheck, *get_args(Event))
    tables = FieldTables(
        [*SCHEMAS.values(), *printed],
        {"csv": _meanings("column", MEANINGS), "samples": _meanings("column", described(Sample)[1])},
    )
    docs = project / "docs"
    return {
        **{project / "schemas" / name: text for name, text in schema_files().items()},
        **{docs / page: tables.fill((docs / page).read_text("utf-8")) for page in PAGES},
    }


def _meanings(title: str, meanings: Mapping[str, str]) -> str:
    from documents.schema import markdown_table

    rows: list[tuple[list[str], str]] = []
    for name, meaning in meanings.items():
        if rows and rows[-1][1] == meaning:
            rows[-1][0].append(name)
        else:
            rows.append(([name], meaning))
    return markdown_table((title, ""), ((", ".join(f"`{name}`" for name in names), of) for names, of in rows))
