"""`lab doctor`: the tools that the lab needs, with remedies for those that are missing."""

import dataclasses

import typer

from cli.context import JsonOption, print_json, terminal


def doctor(json: JsonOption = False) -> None:
    """Show each tool that the lab needs: its path, its version, and how to get it if it's missing.

    Exits with 1 if something that the lab needs is missing.
    """
    from rich.table import Table
    from rich.text import Text

    from lab.cores import read_memory_bytes, read_topology
    from toolchain.inspection import inspect

    findings = inspect()
    bad = [finding for finding in findings if not finding.good and finding.required]
    if json:
        print_json(
            [
                dataclasses.asdict(finding) | {"path": None if finding.path is None else str(finding.path)}
                for finding in findings
            ]
        )
    else:
        table = Table("piece", "version", "origin", "found at", box=None, pad_edge=False)
        for finding in findings:
            mark = "" if finding.good else ("! " if finding.required else "- ")
            table.add_row(
                f"{mark}{finding.name}", finding.version or "", finding.origin, Text(str(finding.path or "not found"))
            )
        console = terminal()
        console.print(table)
        console.print()
        cores = read_topology()
        console.print(
            f"This machine: {len(cores)} cores, {sum(map(len, cores))} CPUs, {read_memory_bytes() / 1024**3:.0f} GiB."
        )
        for finding in findings:
            if not finding.good:
                console.print(f"{finding.name}: {finding.remedy}", markup=False, soft_wrap=True)
    if bad:
        raise typer.Exit(1)
