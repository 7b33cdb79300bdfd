"""What the pages say of variants: what each is of, and in what it isn't as the stack document declares it."""

from collections.abc import Iterator

from analysis.pages.numbers import listing
from analysis.pages.table import ROLE_NAMES
from documents.cores import CoreLayout, Role
from documents.inventory import Varied
from documents.report import Report

_ROLES: dict[Role, str] = {**ROLE_NAMES, "system": "system"}


def variant_words(report: Report) -> tuple[str, ...]:
    """A paragraph on the variants of a run, with a clause for each; none where it varies nothing."""
    varied = {api.name: api.varied for api in report.apis if api.varied is not None}
    if not varied:
        return ()
    as_declared = [api.name for api in report.apis if api.varied is None]
    sentences = [
        (
            "The protocol varies APIs, and each variant is compared as an API is. It has a container of its own, made "
            "from that of its API, of the same image and with the same limits."
        )
    ]
    for name, one in varied.items():
        sentences.append(f"{name} is {one.api} {listing([*_differences(report, one)]) or 'as declared'}.")
    if as_declared:
        sentences.append(f"{listing(as_declared)} {'is' if len(as_declared) == 1 else 'are'} as declared.")
    if any(one.postgres for one in varied.values()):
        sentences.append(
            "PostgreSQL was started anew for each cell, whatever its settings, and asked for those that were at work."
        )
    return (" ".join(sentences),)


def _differences(report: Report, varied: Varied) -> Iterator[str]:
    for name, value in varied.environment.items():
        yield f"with {name}={value}"
    for name, value in varied.postgres.items():
        instead = report.postgres_settings.get(name)
        yield f"with PostgreSQL's {name} at {value}" + (f" instead of {instead}" if instead is not None else "")
    if varied.cores is not None:
        yield f"on other CPUs ({_laid_out(varied.cores)})"


def _laid_out(cores: CoreLayout) -> str:
    return ", ".join(f"{name} {cores.cpu_list(role)}" for role, name in _ROLES.items() if cores.of(role))
