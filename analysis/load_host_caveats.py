"""What a reader has to know of a run's load hosts, and of the network between them and the APIs: whole sentences."""

from collections.abc import Iterator, Sequence

from analysis.limits import APART_MOST, NETWORK_CHANGE_MOST, NETWORK_OF_LATENCY_MOST
from analysis.load_host_identity import other_differences
from analysis.run_folder import RunFolder
from documents.cell_numbers import CellNumbers, OpenLoopNumbers
from documents.run import LoadHostRecord
from documents.summaries import ScenarioSummary


def about_load_hosts(
    run: RunFolder,
    summaries: Sequence[ScenarioSummary],
    of_both_loops: Sequence[CellNumbers | OpenLoopNumbers],
) -> Iterator[str]:
    """The sentences; none where the load came from the lab's own host.

    Args:
        run: the run.
        summaries: each API under each load.
        of_both_loops: each valid cell.
    """
    for number, record in enumerate(run.host.load_hosts, start=1):
        if differences := other_differences(run.host.before, record.before.identity):
            yield f"Load host {number} isn't set up like the lab's host: {'; '.join(differences)}."
        if record.after is None:
            continue
        if changes := record.before.identity.changes(record.after.identity):
            yield (
                f"Load host {number} changed while the run went on: {'; '.join(changes)}. Cells from before and after "
                "the change are mixed in these numbers; measure again."
            )
        if changes := [*_changes_of_network(record)]:
            yield f"The network to load host {number} changed while the run went on: {'; '.join(changes)}."
    unmeasured = [
        number for number, record in enumerate(run.host.load_hosts, start=1) if record.before.network.bandwidth is None
    ]
    if unmeasured:
        yield (
            f"The bandwidth to load host {', '.join(map(str, unmeasured))} wasn't measured, for iperf3 isn't on both "
            "hosts: a network that is the limit would go unseen."
        )
    yield from _about_round_trips(run.host.load_hosts, summaries)
    apart = [found.apart for cell in of_both_loops if (found := cell.load_hosts) and found.apart > APART_MOST]
    if apart:
        yield (
            f"For more than {APART_MOST:.0%} of the load not all generators were at work in {len(apart)} "
            f"{'cell' if len(apart) == 1 else 'cells'} (up to {max(apart):.1%}): throughput there is so much too "
            "low at most."
        )


def _about_round_trips(records: Sequence[LoadHostRecord], summaries: Sequence[ScenarioSummary]) -> Iterator[str]:
    """Where the network makes up so much of the latency that little is left in which APIs can differ."""
    if not records:
        return
    round_trip_us = max(record.before.network.round_trips.median_us for record in records)
    shares = {
        f"{summary.api} at {summary.scenario}": round_trip_us / summary.measured.raw.p50_us.value
        for summary in summaries
        if summary.measured is not None
    }
    found = {name: share for name, share in shares.items() if share > NETWORK_OF_LATENCY_MOST}
    if found:
        told = ", ".join(f"{name} ({share:.0%})" for name, share in found.items())
        yield (
            f"The network's round trip, {round_trip_us:.0f} µs in the median, is more than "
            f"{NETWORK_OF_LATENCY_MOST:.0%} of the median latency of {told}: only the rest is the API's."
        )


def _changes_of_network(record: LoadHostRecord) -> Iterator[str]:
    if record.after is None:
        return
    before, after = record.before.network, record.after.network
    pairs = [("the median round trip in µs", before.round_trips.median_us, after.round_trips.median_us)]
    if before.bandwidth is not None and after.bandwidth is not None:
        pairs += [
            ("Mbit/s to the APIs", before.bandwidth.to_apis / 1e6, after.bandwidth.to_apis / 1e6),
            ("Mbit/s from the APIs", before.bandwidth.from_apis / 1e6, after.bandwidth.from_apis / 1e6),
        ]
    for name, then, now in pairs:
        if max(then, now) > (1 + NETWORK_CHANGE_MOST) * min(then, now):
            yield f"{name} was {then:,.0f} and is {now:,.0f}"
