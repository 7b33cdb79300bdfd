"""The limits beyond which numbers void a cell, each with its reason.

A value beyond a limit voids the cell, unless the limit's text says that it is only a label or a caveat. The limits are
above noise: on a quiet host no load reaches any of them.
"""

STEAL_MOST = 0.02
"""Share of a role's CPUs. Throughput loses as much as the hypervisor takes, and the margin of "same" is 3%. A small
virtual machine at full load on a quiet host lost 0.1 to 0.3%."""

COUNTED_SECONDS_LEAST = 0.05
"""Stolen time, and time used by others, must also be more than this, over all CPUs of a role: the kernel counts in
steps of 0.01 s, and in a window of a second a single step would be beyond the limit."""

THROTTLED_MOST = 0.0
"""Seconds. The lab sets no quota; one that something else set causes stalls of up to 0.1 s."""

OTHERS_ON_API_MOST = 0.10
"""Share of the CPUs of the API, or of PostgreSQL, used by processes that aren't the lab's. Kernel threads and daemons
use some hundredths."""

OTHERS_ON_GENERATOR_MOST = 0.20
"""Share of the generator's CPUs. If these are also the system's, it includes sshd, the container engine and sampler."""

GENERATOR_BUSY_MOST = 0.90
"""Share of the CPUs that its threads can fill, and of its busiest CPU. Above it, responses queue in the generator,
which then measures itself. Waiting grows as 1/(1 - use) (Kleinrock 1975, "Queueing Systems", volume 1). Only a caveat
if the generator shares CPUs, which it fills together with what it measures."""

GENERATOR_WAITED_MOST = 0.10
"""Share of the window that a thread waits on average, on CPUs of its own: with a thread per CPU, none should wait."""

SHARED_GENERATOR_WAITED_MOST = 0.50
"""The same where the generator shares CPUs. Only a caveat."""

LITTLES_LAW_LEAST = 0.90
"""An idle generator gives 0.99 and more; a slow wrk has given 0.57."""

SHARE_OF_RATE_LEAST = 0.99
"""In the open loop. A window that missed more of its rate can't be compared with those of the other APIs."""

SAMPLES_A_SECOND_LEAST = 5
"""Of each role, on average: half of what the sampler takes."""

SAMPLE_GAP_MOST_NS = 1_000_000_000
"""A second without a sample is ten missed samples: peaks and the window's ends are then unknown."""

TICK_GAP_MOST_NS = 2_000_000_000
"""Five missed ticks: the state of the host in between is unknown."""

STUCK_MOST = 0
"""Connections. An answer after the timeout would count as an error, and a connection without an answer in the whole
window is in no number."""

STUCK_SECONDS_LEAST = 1.0
"""A window or a timeout shorter than this doesn't show whether a connection is stuck."""

SPIN_CHANGE_MOST = 0.20
"""Change of the spin's CPU time, up or down. On a small shared machine its standard deviation was 4%, and 3 of 102
spins differed by more than 10%, so a change of 20% happens in far less than one of a hundred quiet cells. A neighbour
on an SMT sibling, or a throttled clock, costs 25% and more."""

SPIN_FROM_MEDIAN_MOST = 0.20
"""The same, from the median of a run's cells. Only a caveat, because it is known only after the run."""

START_SKEW_MOST_SECONDS = 0.1
"""Between the starts of two generators of one load. Their ends differ as much anyway: wrk's threads check the time
every 100 ms (`RECORD_INTERVAL_MS` in src/wrk.c of wrk 4.1.0)."""

APART_MOST = 0.02
"""Share of the load in which not all generators run: throughput is too low by at most that much, and the margin of
"same" is 3%. Only a caveat, because it is the same for each API."""

CLOCK_ERROR_MOST_SECONDS = 0.01
"""Between two hosts' clocks. A role's usage is taken over the load window, and for a window of a second the error is
then a hundredth."""

NETWORK_BUSY_MOST = 0.80
"""The answers' share of the bandwidth of a single TCP connection. Above it, they queue in the network; requests,
acknowledgements and packet headers aren't included."""

NETWORK_OF_LATENCY_MOST = 0.50
"""The network round trip's share of the median latency. Only a caveat: the APIs differ in the rest."""

NETWORK_CHANGE_MOST = 0.25
"""Change of round trip and bandwidth during a run, as a ratio up or down. Only a caveat."""

MEMORY_DIFFERENCE_MOST = 0.02
"""Difference in memory up to which a load host counts as identical, because firmware and kernel reserve some."""

SERVICE_BUSY_LEAST = 0.90
"""Share of the CPUs that a service can fill. Above it, the API waits for PostgreSQL or Redis. Only a label: the cell is
valid, but a "same" is then a statement about the database. Likewise of the API's CPUs: above it connections queue, and
a closed loop's latency has no verdict."""
