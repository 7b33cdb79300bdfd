"""README and docs/ name what exists: commands, options, links, paths, keys, and reasons."""

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest
import typer.main
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, JsonValue, TypeAdapter
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from analysis.pages.html import CHAPTERS
from cli.main import Subcommands, app
from documents.lab.host import HostKind
from documents.report.report import GATE_STATUSES, OUTCOMES
from documents.run.protocol import Protocol
from documents.run.records import ApiFault, HostFault, LabFault
from documents.stack.implementation import Implementation
from documents.stack.stack import Stack
from experiment.facts import read_implementation
from lab.components.services import POSTGRES_SETTINGS
from provision.kernel.knobs import knobs_of
from tests.conftest import ROOT
from tests.unit.documents.samples import INVENTORY

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

MADE = (".lab/", ".venv/", "runs/", "facts/", "artifacts/", "cells/", "compared/", "stacks/mine.yaml", "~/")
"""Paths that aren't in the repository: what is made in a checkout, what is in a run, and a reader's own stack."""

ROOMS = ("analysis", "ci", "cli", "documents", "experiment", "lab", "provision", "toolchain")
"""The folders whose messages the docs may quote."""

SYSTEM_MESSAGES = frozenset({"address already in use"})
"""Those that docs/troubleshooting.md quotes of the operating system."""

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    """The page's tokens in their order, those inside of paragraphs, headings and cells included."""

    def flat(level: Sequence[Token]) -> Iterator[Token]:
        for token in level:
            yield token
            yield from flat(token.children or ())

    parser = MarkdownIt("commonmark").enable("table")
    return tuple(flat(parser.parse(page.read_text(encoding="utf-8"))))


def inline_codes(page: Path) -> list[str]:
    return [token.content for token in tokens(page) if token.type == "code_inline"]


def fences(page: Path, language: str) -> list[str]:
    return [token.content for token in tokens(page) if token.type == "fence" and token.info == language]


def headings(page: Path, tag: str | None = None) -> list[str]:
    found = zip(tokens(page), tokens(page)[1:], strict=False)
    return [
        text.content for opened, text in found if opened.type == "heading_open" and (tag is None or opened.tag == tag)
    ]


def tables(page: Path) -> list[list[list[str]]]:
    """Each table as rows of cells, as they are written; the heading row first."""
    found: list[list[list[str]]] = []
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif before.type in {"th_open", "td_open"}:
            found[-1][-1].append(token.content)
    return found


def anchors(page: Path) -> set[str]:
    """What headings are linked to by: small letters, digits, hyphens for spaces, all else left out."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings(page)}


# Commands


def commands(page: Path) -> list[list[str]]:
    """The commands of the project's own that a page names, in text and in blocks, as words."""
    lines = [*inline_codes(page), *(line for block in fences(page, "sh") for line in block.splitlines())]
    split = [
        shlex.split(line.removeprefix(".venv/bin/")) for line in lines if re.match(r"(\.venv/bin/)?\w+( |$)", line)
    ]
    return [words for words in split if words and words[0] in {"lab", "make", "python"}]


def lab_options(words: Sequence[str]) -> set[str]:
    """The options of the subcommand that the words name, or of that subcommand's own."""
    command = typer.main.get_group(app)
    for word in words:
        if isinstance(command, TyperGroup) and word in command.commands:
            if isinstance(command, Subcommands):
                command.load(word)
            command = command.commands[word]
    return {"--help", *(option for parameter in command.params for option in parameter.opts)}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@every_page
def test_tests_that_a_page_names_are_there(page: Path):
    for name in inline_codes(page):
        if (named := re.fullmatch(r"(tests/[\w/]+\.py)::(\w+)", name)) is not None:
            assert f"\ndef {named[2]}(" in (ROOT / named[1]).read_text(encoding="utf-8"), name


@every_page
def test_commands_exist_with_their_options(page: Path):
    for words in commands(page):
        match words:
            case ["lab", name, *rest]:
                known = (
                    lab_options([name, *rest])
                    if not name.startswith("-")
                    else {"--help", "--install-completion", "--show-completion"}
                )
                unknown = {word for word in [name, *rest] if word.startswith("-")} - known
                assert not unknown, f"{shlex.join(words)} has no {unknown}"
            case ["make", *rest]:
                assert {word for word in rest if "=" not in word} <= make_targets(), shlex.join(words)
            case ["python", "-m", module, *_]:
                assert module == "pytest" or (ROOT / f"{module.replace('.', '/')}.py").is_file(), shlex.join(words)
            case _:
                assert words in (["lab"], ["make"]), shlex.join(words)


# Links and paths


@every_page
def test_links_lead_somewhere(page: Path):
    for token in tokens(page):
        if token.type != "link_open":
            continue
        address, _, anchor = str(token.attrs["href"]).partition("#")
        if address.startswith("https://"):
            continue
        target = (page.parent / address).resolve() if address else page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), f"{address}#{anchor}"


def test_every_page_can_be_reached_from_the_readme():
    linked = {str(token.attrs["href"]) for token in tokens(PAGES[0]) if token.type == "link_open"}
    assert {f"docs/{page.name}" for page in PAGES[1:]} <= linked


@every_page
def test_paths_exist(page: Path):
    for code in inline_codes(page):
        if not re.fullmatch(r"\.?[A-Za-z_][\w.-]*(/[\w.-]+)*/?", code) or code.startswith(MADE) or "NAME" in code:
            continue
        if "/" in code or re.fullmatch(r"\w+\.(py|toml|lock|md)", code):
            assert (ROOT / code).exists() or code in {"report.md", "summary.md", "comment.md"}, code


# Documents


def members(annotation: object) -> Iterator[tuple[type[BaseModel], bool]]:
    """The models in an annotation, and whether they are items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False
    origin = get_origin(annotation)
    for argument in get_args(annotation) if origin is not Annotated else get_args(annotation)[:1]:
        for model, item in members(argument):
            yield model, item or origin in {tuple, list}


def keys(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """The keys of a YAML document, as `apis[].name`."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        found[prefix + name] = field
        for inner, item in members(field.annotation):
            found |= keys(inner, f"{prefix}{name}{'[]' if item else ''}.")
    return found


def written_keys(value: JsonValue, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from written_keys(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from written_keys(inner, f"{prefix.removesuffix('.')}[].")


@every_page
def test_keys_in_text_and_examples_exist(page: Path):
    known = {*keys(Stack), *keys(Protocol), *keys(Implementation)}
    for block in fences(page, "yaml"):
        written = set(written_keys(_JSON.validate_python(yaml.safe_load(block))))
        # What is in a mapping of texts is the document's own.
        assert {key.rpartition(".")[0] if ".environment." in key else key for key in written} <= known
    roots = "|".join(name for name in Stack.model_fields)
    for code in inline_codes(page):
        if re.fullmatch(rf"({roots})\.[a-z_.]+", code) and not re.search(r"\.(json|ya?ml|py|md)$", code):
            assert code in known, code
        if (pair := re.fullmatch(r"([a-z_]+): \S+", code)) is not None:
            # The examples of what is refused name settings and an unfit value as well.
            assert pair[1] in {key.rpartition(".")[2] for key in known} | {"fsync", "max_connections"}, code


def test_examples_of_whole_documents_are_valid():
    (stack,) = (text for text in fences(ROOT / "docs/stack-document.md", "yaml") if "version:" in text)
    assert Stack.from_yaml(stack, name="the page") == Stack.from_yaml(
        (ROOT / "stacks/local.yaml").read_text(encoding="utf-8"), name="local.yaml"
    )
    (protocol,) = (text for text in fences(ROOT / "docs/quick-start.md", "yaml") if "version:" in text)
    Protocol.from_yaml(protocol, name="the page")
    (implementation,) = (text for text in fences(ROOT / "docs/adding-an-api.md", "yaml") if "build:" in text)
    assert Implementation.from_yaml(implementation, name="the page") == read_implementation(ROOT, "apis/go")


def test_examples_of_hosts_are_valid():
    stacks = [Stack.from_yaml(text, name="the page") for text in fences(ROOT / "docs/hosts.md", "yaml")]
    assert {"container", *(stack.host.kind for stack in stacks)} == {*get_args(HostKind)}
    assert any(stack.load_host for stack in stacks)


# Numbers and lists that the code has as well


def texts_in_code() -> Iterator[str]:
    """Each string in the code, with `…` for what it is filled with."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def test_messages_in_troubleshooting_are_in_the_code():
    in_code = "\n".join(texts_in_code())
    messages = [
        message
        for table in tables(ROOT / "docs/troubleshooting.md")
        for row in table[1:]
        for message in re.findall(r"(?<!\w)\*([^*]+)\*", row[0])
        if message not in SYSTEM_MESSAGES
    ]
    parts = [part.strip() for message in messages for part in message.replace("`", "").split("…")]
    assert [part for part in parts if part not in in_code.replace("`", "")] == []
    assert len(messages) > 50


def test_default_settings_of_postgres_are_listed():
    (table,) = (table for table in tables(ROOT / "docs/stack-document.md") if table[0][:2] == ["setting", "value"])
    told = {name.strip("`"): value for row in table[1:] for name, value in (row[:2], row[2:]) if name}
    assert told == POSTGRES_SETTINGS


def test_kernel_settings_are_listed_with_what_is_wanted():
    (table,) = (table for table in tables(ROOT / "docs/hosts.md") if table[0][:2] == ["setting", "wanted"])
    *knobs, interrupts = knobs_of(INVENTORY.cores)
    assert [row[:2] for row in table[1:-1]] == [[knob.name, knob.wanted] for knob in knobs]
    assert table[-1][0] == interrupts.name


def test_exit_statuses_of_the_gate_are_listed():
    (table,) = (table for table in tables(ROOT / "docs/ci.md") if table[0][0] == "status")
    assert {row[1]: int(row[0]) for row in table[1:]} == {
        OUTCOMES[outcome]: status for outcome, status in GATE_STATUSES.items()
    }


def test_the_chapters_of_the_page_are_listed():
    _, _, listed = (ROOT / "docs/report.md").read_text(encoding="utf-8").partition("\n## The page\n")
    assert re.findall(r"^\d+\. \*\*(.+?)\*\*", listed, re.MULTILINE) == [chapter.title for chapter in CHAPTERS]


def test_the_script_that_recomputes_the_verdicts_is_shown_whole():
    (shown,) = fences(ROOT / "docs/statistics.md", "python")
    assert shown == (ROOT / "benchmarks/recompute.py").read_text(encoding="utf-8")


def test_every_void_reason_is_listed_with_the_party_at_fault():
    (table,) = (table for table in tables(ROOT / "docs/protocol.md") if table[0] == ["reason", "fault of", "when"])
    parties = {"API": ApiFault, "host": HostFault, "lab": LabFault}
    expected = [(reason, party) for party, reasons in parties.items() for reason in get_args(reasons)]
    assert sorted((row[0].strip("`"), row[1]) for row in table[1:]) == sorted(expected)
