"""Facts about building, from the documents that `lab facts` wrote to what the report shows of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from documents.errors import AnalysisError
from documents.facts import Facts
from documents.inventory import ApiService
from documents.report import BuildingFacts
from documents.run import HostIdentity
from documents.summaries import Spread


def facts_file_name(api: ApiService) -> str:
    """The name of an API's document in the folder of facts; it changes with the API's image."""
    return f"{api.name}-{api.image_id.removeprefix('sha256:')[:12]}.json"


def find_facts(folder: Path, api: ApiService) -> Facts | None:
    """The facts of an API, by its image and its environment; None where there are none.

    Raises:
        AnalysisError: the document can't be read.
        DocumentError: the document isn't of its shape.
    """
    path = folder / facts_file_name(api)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path} can't be read: {error.strerror}. Remove it and run `lab facts`.") from error
    facts = Facts.from_json(text, name=str(path))
    found = (facts.api, facts.image_id, facts.environment)
    return facts if found == (api.name, api.image_id, api.environment) else None


def summarise_facts(facts: Facts, host: HostIdentity) -> BuildingFacts:
    """What the report shows of an API's facts.

    Args:
        facts: the facts.
        host: the host that the report is about.
    """
    building, starting = facts.building, facts.starting
    return BuildingFacts(
        api=facts.api,
        language=facts.language,
        measured_at=facts.measured_at,
        git_commit=facts.git_commit,
        same_host=not facts.host.changes(host),
        build_cpus=len(building.cpus),
        clean_build_seconds=_spread(building.clean_seconds),
        incremental_build_seconds=_spread(building.incremental_seconds),
        changed_file=building.changed_file,
        binary_bytes=building.binary_bytes,
        image_bytes=facts.image_bytes,
        code_lines=facts.code_lines,
        test_lines=facts.test_lines,
        dependencies=len(building.dependencies),
        first_answer_seconds=_spread(starting.first_answer_seconds),
        engine_seconds=_spread(starting.engine_seconds),
        rest_seconds=starting.rest_seconds,
        rest_memory_bytes=_spread(starting.memory_bytes),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median=float(np.median(values)), least=min(values), most=max(values), count=len(values))
