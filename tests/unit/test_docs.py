"""README and docs/ say what is so: commands, options, links, paths, keys, defaults, members of files, messages."""

import ast
import json
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
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

from analysis.article import LINES
from analysis.claims.agreement import TOLERANCE
from analysis.claims.effort import STAND_INS
from analysis.claims.limits import AT_ONCE_SECONDS, NEARLY_AT_ONCE_SECONDS
from analysis.claims.lines import CLAIMS
from analysis.gate import power_of_all
from analysis.pages.gate import OUTCOMES, render_gate_markdown
from analysis.pages.html import CHAPTERS
from analysis.pages.summary_csv import COLUMNS
from analysis.statistics.equivalence import MARGIN
from analysis.statistics.power import blocks_to_detect, blocks_to_show_same
from analysis.statistics.verdict import SIGNIFICANCE
from ci.gate import render_comment
from ci.gate_stack import Change, Pair
from cli.api import GUIDE
from cli.gate import EXIT_STATUSES
from cli.main import app
from documents.facts import Facts
from documents.gate import Gate
from documents.history import History
from documents.implementation import Implementation
from documents.load import WrkResult
from documents.network import CellClocks
from documents.open_loop import OpenLoopPlan, OpenLoopResult
from documents.plan import Plan
from documents.protocol import Protocol
from documents.report import Report
from documents.run import CellRecord, HostRecord, JournalEntry, Manifest, VoidReason
from documents.run_comparison import RunComparison
from documents.run_list import ListedRun, PrunedRuns
from documents.samples import Sample
from documents.stack import Stack
from documents.watch import CpuTimes, HostTick, HostWatch, Pressure, Scheduled, Throttling
from experiment.api_check.dockerfile import STAGES
from experiment.api_check.folder import FILES
from experiment.api_check.steps import SECTIONS
from experiment.events import Event, Phase, Subject
from experiment.gate import judge_run
from experiment.protocol_file import protocol_names, read_protocol
from experiment.workloads.requests import MIXED_SHARES
from lab.cores import split_cores
from lab.services.postgres import DEFAULT_SETTINGS
from provision.knobs import knobs_of
from tests.unit.analysis.pair_run import BASE, CANDIDATE, pair_run

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RUN_FILES = (
    Manifest,
    HostRecord,
    Plan,
    OpenLoopPlan,
    JournalEntry,
    CellRecord,
    WrkResult,
    OpenLoopResult,
    HostWatch,
    HostTick,
    CellClocks,
    Report,
    RunComparison,
    Gate,
    Facts,
)

MADE = (".lab/", ".venv/", "runs/", "facts/", "artifacts/", "cells/", "compared/", "~/")
"""Paths that aren't in the repository: what is made in a checkout, and what is in a run."""

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


def test_every_subcommand_is_told_in_the_readme_and_every_target_somewhere():
    subcommands = {found.name for found in typer.main.get_group(app).commands.values()}
    assert subcommands <= {words[1] for words in commands(PAGES[0]) if words[0] == "lab" and len(words) > 1}
    named = {words[1] for page in PAGES for words in commands(page) if words[0] == "make" and len(words) > 1}
    assert make_targets() - {"help"} <= named


def test_options_of_the_tests_exist():
    told = {word for words in commands(ROOT / "docs/contributing.md") if "pytest" in words for word in words[3:]}
    options = {word for word in told if word.startswith("--")}
    help_text = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {"--stack", "--keep-lab"} <= options
    assert all(re.search(rf"^\s+{option}\b", help_text, re.MULTILINE) for option in options)


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


def shown_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "all defaults"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


@pytest.mark.parametrize(
    ("page", "model"),
    [("stack-document.md", Stack), ("quick-start.md", Protocol), ("adding-an-api.md", Implementation)],
)
def test_keys_are_all_told_with_their_defaults(page: str, model: type[BaseModel]):
    (table,) = (table for table in tables(ROOT / "docs" / page) if table[0][:3] == ["key", "type", "default"])
    assert {row[0].strip("`"): row[2] for row in table[1:]} == {
        key: shown_default(field) for key, field in keys(model).items()
    }


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
    assert Implementation.from_yaml(implementation, name="the page") == Implementation.from_yaml(
        (ROOT / "tests/fifth/api/implementation.yaml").read_text(encoding="utf-8"), name="implementation.yaml"
    )


def test_the_way_of_an_api_is_told_section_by_section():
    page = ROOT / GUIDE
    assert [heading for heading in headings(page, "h2") if heading in SECTIONS.values()] == [*SECTIONS.values()]
    (files,) = (table for table in tables(page) if table[0][0] == "file")
    assert {row[0].strip("`") for row in files[1:]} == {*FILES}
    (stages,) = (table for table in tables(page) if table[0][0] == "stage")
    assert {*STAGES} <= {name.strip(" `") for row in stages[1:] for name in row[0].split(",")}
    (stack,) = (text for text in fences(page, "yaml") if "apis:" in text)
    assert [api.source for api in Stack.from_yaml(stack, name="the page").apis] == ["tests/fifth/api"]
    said = {line.split()[1] for text in fences(page, "text") for line in text.splitlines() if line[:1] in "✓✗"}
    assert said == {*SECTIONS}
    (shown,) = (table for table in tables(page) if table[0][:2] == ["step", "looks at"])
    assert [row[0].strip("`") for row in shown[1:]] == [*SECTIONS]


def test_examples_of_hosts_are_valid():
    stacks = [Stack.from_yaml(text, name="the page") for text in fences(ROOT / "docs/hosts.md", "yaml")]
    assert [stack.host.kind for stack in stacks] == ["ssh", "ssh", "aws", "hetzner"]
    assert [len(stack.load_host) for stack in stacks] == [0, 1, 0, 0]


def test_refusals_are_those_that_are_made():
    local = (ROOT / "stacks/local.yaml").read_text(encoding="utf-8")
    layout = "cores:\n  api: 0-2\n  postgres: '3'\n  system: '4'"
    port = "    port: 15432"
    changed = {
        "`cpus: eight`": local.replace("cpus: 8", "cpus: eight"),
        "`memory_gb: 1`": local.replace("memory_gb: 16", "memory_gb: 1"),
        "`kind: ssh`": local.replace("kind: container", "kind: ssh"),
        "`cores: atuo`": local.replace("cores: auto", "cores: atuo"),
        "a layout without `generator`": local.replace("cores: auto", layout),
        "`postgres: 3` in a layout": local.replace("cores: auto", f"{layout}\n  generator: '5'").replace("'3'", "3"),
        "Redis on PostgreSQL's port": local.replace("16379", "15432"),
        "an API on port 80": local.replace("port: 18080", "port: 80"),
        '`fsync: "off"`': local.replace(port, f'{port}\n    settings:\n      fsync: "off"'),
        "`max_connections: 100` without quotes": local.replace(
            port, f"{port}\n    settings:\n      max_connections: 100"
        ),
        "`PORT` in an API's environment": f'{local}    environment:\n      PORT: "1"\n',
        "`source: ../go`": local.replace("apis/go", "../go"),
        "a key given twice": f"{local}    port: 18080\n",
        "an anchor, an alias or a tag": local.replace("name: local", "name: &x local"),
    }
    (table,) = (table for table in tables(ROOT / "docs/stack-document.md") if table[0] == ["change", "message"])
    assert {row[0]: row[1].strip("`") for row in table[1:]} == {
        change: refusal(text).partition("\n")[0] for change, text in changed.items()
    }
    (example,) = (text for text in fences(ROOT / "docs/stack-document.md", "text") if "stacks/local.yaml" in text)
    assert example.strip() == refusal(local.replace("ssh_port", "ssh_prot"))


def refusal(text: str) -> str:
    with pytest.raises(Exception, match="stacks/local") as refused:
        Stack.from_yaml(text, name="stacks/local.yaml")
    return str(refused.value)


# Numbers and lists that the code has as well


def test_default_settings_of_postgres_are_told():
    (table,) = (table for table in tables(ROOT / "docs/stack-document.md") if table[0][:2] == ["setting", "value"])
    told = {name.strip("`"): value for row in table[1:] for name, value in (row[:2], row[2:]) if name}
    assert told == DEFAULT_SETTINGS


def test_kernel_settings_are_told_with_their_reasons():
    (table,) = (table for table in tables(ROOT / "docs/hosts.md") if table[0][:2] == ["setting", "wanted"])
    cores = split_cores([(cpu,) for cpu in range(8)])
    assert table[1:] == [[knob.name, knob.wanted, knob.why, knob.source] for knob in knobs_of(cores)]


def test_cores_by_role_are_those_of_the_split():
    (table,) = (table for table in tables(ROOT / "docs/hosts.md") if table[0][0] == "physical cores")
    for cells in table[1:]:
        count = int(cells[0].split()[0])
        layout = split_cores([(cpu,) for cpu in range(count)])
        assert cells[5] == ("yes" if layout.shared else "no")
        if not layout.shared:
            roles = (layout.api, layout.postgres, layout.redis, layout.generator)
            assert cells[1:5] == [str(len(cpus)) for cpus in roles], count
    assert {row[0].split()[0] for row in table[1:]} == {str(count) for count in range(1, 9)}


def test_capabilities_that_are_dropped_are_told():
    text = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
    sentence = text[text.index("It is added all capabilities") : text.index("seccomp and AppArmor")]
    source = (ROOT / "lab/hosts/container.py").read_text(encoding="utf-8")
    dropped = set(re.findall(r'"(CAP_\w+)"', source))
    assert dropped
    assert set(re.findall(r"CAP_\w+", sentence)) == dropped


def test_shares_of_the_mixed_workload_are_told():
    (table,) = (table for table in tables(ROOT / "docs/protocol.md") if table[0] == ["share", "request"])
    assert [row[0] for row in table[1:]] == [f"{share}%" for share in MIXED_SHARES.values()]


def test_protocols_of_the_lab_are_told():
    (table,) = (table for table in tables(ROOT / "docs/protocol.md") if table[0][0] == "protocol")
    for name, blocks, warm_up, *loads in table[1:]:
        protocol = read_protocol(name.strip("`"))
        assert (int(blocks), warm_up) == (protocol.blocks, f"{protocol.warm_up_seconds} s")
        assert table[0][3:] == [scenario.name for scenario in protocol.scenarios]
        assert [re.findall(r"\d+", load) for load in loads] == [
            [str(scenario.connections), str(scenario.duration_seconds)] for scenario in protocol.scenarios
        ]
    assert {row[0].strip("`") for row in table[1:]} == {
        name for name in protocol_names() if not read_protocol(name).vary
    }


def test_the_variants_that_are_shown_are_those_of_the_labs_protocol():
    (shown,) = (yaml.safe_load(text) for text in fences(ROOT / "docs/protocol.md", "yaml"))
    protocol = yaml.safe_load((ROOT / "experiment/protocols/pool-sizes.yaml").read_text(encoding="utf-8"))
    assert shown == {key: protocol[key] for key in shown}
    (short,) = (yaml.safe_load(text) for text in fences(ROOT / "README.md", "yaml"))
    assert set(short) == {"apis", "vary"}
    assert all(variant in protocol["vary"] for variant in short["vary"])


def test_numbers_of_blocks_for_a_gate_are_those_of_the_power():
    (table,) = (table for table in tables(ROOT / "docs/ci.md") if table[0][0] == "noise")
    effects = [float(heading.split("%")[0]) / 100 for heading in table[0][1:-1]]
    for noise_text, *told in table[1:]:
        noise = float(noise_text.rstrip("%")) / 100
        found = [blocks_to_detect(math.log1p(-effect), noise, significance=SIGNIFICANCE / 3) for effect in effects]
        found.append(blocks_to_show_same(noise, margin=MARGIN, power=power_of_all(3)))
        assert told == ["\N{EN DASH}" if blocks is None else str(blocks) for blocks in found]


def test_exit_statuses_of_the_gate_are_told():
    (table,) = (table for table in tables(ROOT / "docs/ci.md") if table[0][0] == "status")
    assert {row[1]: int(row[0]) for row in table[1:]} == {
        OUTCOMES[outcome]: status for outcome, status in EXIT_STATUSES.items()
    }


def test_comment_of_a_gate_is_the_one_that_is_written(tmp_path: Path):
    gate = judge_run(pair_run(tmp_path / "run", (451, 449, 450, 452)), base=BASE, candidate=CANDIDATE)
    change = Change("c2c9a8ba157350a1147cc24cd2d5bda0277070f2", (Pair("go", BASE, "go-candidate"),), new=())
    comment = render_comment(change, {"go": EXIT_STATUSES[gate.outcome]}, [render_gate_markdown(gate)])
    (shown,) = fences(ROOT / "docs/ci.md", "markdown")
    assert shown == comment.replace(CANDIDATE, "go-candidate")


def test_the_script_that_recomputes_the_verdicts_is_shown_whole():
    (shown,) = fences(ROOT / "docs/statistics.md", "python")
    assert shown == (ROOT / "benchmarks/recompute.py").read_text(encoding="utf-8")


def test_claims_are_told_with_their_limits():
    page = ROOT / "docs/claims.md"
    (lines,) = (table for table in tables(page) if table[0] == ["line", "claims", "judged by"])
    assert [row[:2] for row in lines[1:]] == [[line.title, str(len(CLAIMS[line.name]))] for line in LINES]
    (stand_ins,) = (table for table in tables(page) if table[0] == ["stand-in", "more effort", "why"])
    assert len(stand_ins[1:]) == len(STAND_INS)
    text = page.read_text(encoding="utf-8")
    assert f"**tolerance of {TOLERANCE:.0%}**" in text
    assert f"within {AT_ONCE_SECONDS:g} s of its process's start" in text
    assert f"done within {NEARLY_AT_ONCE_SECONDS:g} s" in text


# The files of a run


def run_folder_models() -> dict[str, set[str]]:
    """The members of each document in a run's folder, by the document's name."""
    rows = (Sample, CpuTimes, Throttling, Pressure, Scheduled)
    return {row.__name__: set(row._fields) for row in rows} | reached_models(RUN_FILES)


def reached_models(roots: Iterable[type[BaseModel]]) -> dict[str, set[str]]:
    """The members of documents, and of all that are within them, by the document's name."""
    found: dict[str, set[str]] = {}
    unseen: list[type[BaseModel]] = [*roots]
    while unseen:
        model = unseen.pop()
        if model.__name__ not in found:
            found[model.__name__] = set(model.model_fields)
            unseen += [
                inner
                for field in model.model_fields.values()
                for inner, _ in members(field.annotation)
                if inner.__name__ not in found
            ]
    return found


def test_every_member_of_a_run_s_files_is_told():
    found = [table for table in tables(ROOT / "docs/files.md") if table[0][0] != "Column"]
    told = {table[0][0]: {row[0].strip("`") for row in table[1:]} for table in found}
    assert told == run_folder_models()
    twice = [table[0][0] for table in found if [other[0][0] for other in found].count(table[0][0]) > 1]
    twice += [
        f"{table[0][0]}.{name}"
        for table in found
        for name in {row[0] for row in table}
        if [row[0] for row in table].count(name) > 1
    ]
    assert twice == []


def test_every_member_of_what_is_printed_for_programs_is_told_and_each_event_with_its_kind():
    shown = [table for table in tables(ROOT / "docs/terminal.md") if table[0][1:] == ["type", ""]]
    told = {table[0][0]: {row[0].strip("`") for row in table[1:]} for table in shown}
    events: tuple[type[BaseModel], ...] = get_args(Event)
    known = run_folder_models()
    printed = reached_models((*events, ListedRun, PrunedRuns, History))
    assert told == {name: found for name, found in printed.items() if name not in known}
    kinds = {table[0][0]: table[1][1].strip("`") for table in shown if table[1][0] == "`kind`"}
    assert kinds == {event.__name__: event.model_fields["kind"].default for event in events}


def test_every_subject_of_a_warning_and_every_phase_is_told():
    rows = {row[0]: row[2] for table in tables(ROOT / "docs/terminal.md") for row in table}
    assert re.findall(r"`([a-z-]+)`", rows["`about`"]) == [*get_args(Subject)]
    assert re.findall(r"`([a-z_]+)`", rows["`phase`"]) == [*get_args(Phase)]


def test_every_column_of_the_csv_is_told_in_its_order():
    [table] = [found for found in tables(ROOT / "docs/files.md") if found[0][0] == "Column"]
    told = [row[0].strip("`") for row in table[1:]]
    first = told.index("throughput_requests_per_second")
    with_ends = [f"{name}{end}" for name in told[first:] for end in ("", "_low", "_high")]
    assert (*told[:first], *with_ends) == COLUMNS


def test_the_chapters_of_the_report_are_told_in_their_order():
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    assert re.findall(r"^\d+\. \*\*(.+?)\*\*", text, flags=re.MULTILINE) == [chapter.title for chapter in CHAPTERS]


def test_every_reason_that_voids_a_cell_is_told():
    (table,) = (table for table in tables(ROOT / "docs/protocol.md") if table[0] == ["reason", "when"])
    assert {row[0].strip("`") for row in table[1:]} == {*get_args(VoidReason)}


# Messages


@cache
def spoken() -> tuple[str, ...]:
    """All texts in the project's sources as they are put together, with `…` for what is filled in."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: list[str] = []
    for name in listing.splitlines():
        path = ROOT / name
        if name.startswith("tests/") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".sh":
            found.append(re.sub(r"\$\w+", "…", text))
        else:
            found += (said for node in ast.walk(ast.parse(text)) if (said := _text_of(node)) is not None)
    return tuple(found)


def _text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) or "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_messages_are_those_of_the_code():
    messages = headings(ROOT / "docs/troubleshooting.md", "h3")
    assert len(messages) > 30
    for message in messages:
        assert any(message in text for text in spoken()), message
