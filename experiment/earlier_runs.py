"""What earlier runs of the same lab tell about the next one: how long a cell takes besides its load, and the noise."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from analysis.report import analyse
from analysis.run_folder import read_run
from analysis.statistics.block_ratios import log_ratios_of, logs_of
from documents.errors import AnalysisError, DocumentError
from documents.inventory import Inventory
from documents.protocol import Protocol
from documents.run import MANIFESTS, CellRecord, Manifest
from experiment.budget import Earlier

LEAST_BLOCKS_FOR_NOISE = 5
"""The noise of fewer blocks says too little: that of five may already be off by a factor from 0.6 to 2.9."""

_LOOKED_THROUGH = 5
"""How many runs of the same kind are read, the newest first; reading one with all its raw files takes seconds."""


def read_earlier(runs_directory: Path, inventory: Inventory, protocol: Protocol, api_names: Sequence[str]) -> Earlier:
    """Look through the runs for the newest that tells of each; one that can't be read tells nothing.

    A run is of the same lab and kind if its stack, its size, its cores by role, those of its load hosts, and its
    scenarios are the same.

    Args:
        runs_directory: where the runs are.
        inventory: the lab as it stands.
        protocol: what is to be measured.
        api_names: the APIs that are to be measured.
    """
    earlier = Earlier()
    for number, (folder, manifest) in enumerate(_of_the_same_kind(runs_directory, inventory, protocol)):
        if number == _LOOKED_THROUGH or (earlier.overhead_seconds is not None and earlier.noise is not None):
            break
        overhead, noise = _overhead_of(folder, manifest), _noise_of(folder, manifest, api_names)
        if earlier.overhead_seconds is None and overhead is not None:
            earlier = Earlier(overhead, folder.name, earlier.noise, earlier.noise_run)
        if earlier.noise is None and noise is not None:
            earlier = Earlier(earlier.overhead_seconds, earlier.overhead_run, noise, folder.name)
    return earlier


def _of_the_same_kind(
    runs_directory: Path, inventory: Inventory, protocol: Protocol
) -> Iterator[tuple[Path, Manifest]]:
    for path in sorted(runs_directory.glob(MANIFESTS), reverse=True):
        try:
            manifest = Manifest.from_json(path.read_bytes(), name=str(path))
        except (OSError, DocumentError):
            continue
        same_lab = _kind(manifest.inventory) == _kind(inventory)
        if same_lab and set(manifest.protocol.scenarios) == set(protocol.scenarios):
            yield path.parent, manifest


def _kind(inventory: Inventory) -> tuple[object, ...]:
    load_hosts = tuple((one.size, one.generator, one.system) for one in inventory.load_hosts)
    return inventory.stack, inventory.size, inventory.cores, load_hosts


def _overhead_of(folder: Path, manifest: Manifest) -> float | None:
    """Mean seconds of a valid cell outside of its warm-up and load; None where no cell tells."""
    try:
        run = read_run(folder)
    except (AnalysisError, DocumentError):
        return None
    scenarios = {cell.id: cell.scenario for cell in run.cells}
    found = [
        sum(record.phases_seconds.values())
        - _warm_up_seconds(record, manifest.protocol)
        - scenarios[record.cell_id].duration_seconds
        for record in run.records.values()
        if record.valid
    ]
    return max(0.0, float(np.mean(found))) if found else None


def _warm_up_seconds(record: CellRecord, protocol: Protocol) -> float:
    return protocol.warm_up_seconds if record.warm_up is None else record.warm_up.seconds


def _noise_of(folder: Path, manifest: Manifest, api_names: Sequence[str]) -> float | None:
    """The median, over pairs and loads, of the standard deviation of the throughputs' log ratios over blocks.

    Of the APIs that are to be measured; of all where the run has fewer than two of them. None where there are too few
    blocks.
    """
    try:
        cells = analyse(folder).cells
        measured = sorted({cell.api for cell in cells})
        chosen = [api for api in measured if api in api_names]
        ratios = [
            log_ratios_of(logs_of(cells, scenario.name, "throughput"), first, second)
            for scenario in manifest.protocol.scenarios
            for first, second in combinations(chosen if len(chosen) > 1 else measured, 2)
        ]
    except (AnalysisError, DocumentError):
        return None
    noises = [float(np.std(found, ddof=1)) for found in ratios if len(found) >= LEAST_BLOCKS_FOR_NOISE]
    return float(np.median(noises)) if noises and np.median(noises) > 0 else None
