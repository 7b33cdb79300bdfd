"""Where a disturbance begins: every limit of a cell in one place, each with its reason.

What is beyond a limit voids the cell, but for what is said to be a label or a caveat. The limits stand apart from
noise: on a quiet host none is reached, whatever the load.
"""

STEAL_MOST = 0.02
"""Of a role's CPUs. What the hypervisor takes is missing from throughput one for one, and the margin of "same" is 3%.
A small virtual machine at full load on a quiet host was seen to lose 0.1 to 0.3%."""

COUNTED_SECONDS_LEAST = 0.05
"""What was stolen, or used by others, must be more than this as well, over a role's CPUs together: the kernel counts in
steps of 0.01 s, and in a window of a second a single one of them would be beyond the limit."""

THROTTLED_MOST = 0.0
"""Seconds. The lab gives its roles CPUs and never a quota; one that is there and bites makes stalls of up to 0.1 s."""

OTHERS_ON_API_MOST = 0.10
"""Of the API's CPUs, by processes that aren't the lab's. Kernel threads and daemons use some hundredths."""

OTHERS_ON_GENERATOR_MOST = 0.20
"""Of the generator's CPUs. Where these are the system's too, sshd, the container engine and the sampler are counted."""

GENERATOR_BUSY_MOST = 0.90
"""Of the CPUs that its threads can fill, and of its busiest CPU: above, responses queue in the generator, which
measures itself. Waiting grows as 1/(1 - use) (Kleinrock 1975, "Queueing Systems", volume 1). Only a caveat where the
generator shares CPUs, which it then fills together with what it measures."""

GENERATOR_WAITED_MOST = 0.10
"""Of the window, for a thread on the mean, on CPUs of its own: with a thread a CPU, none should ever wait. Only a
caveat where the generator shares CPUs, and there from a half on."""

SHARED_GENERATOR_WAITED_MOST = 0.50
"""See above."""

LITTLES_LAW_LEAST = 0.90
"""An idle generator gives 0.99 and more; wrk's own slowness has been seen to bring it down to 0.57."""

STUCK_MOST = 0
"""Connections. One that isn't answered within the time-out would have counted as an error, had its answer come. One
that isn't answered in a whole window is in none of its numbers."""

STUCK_SECONDS_LEAST = 1.0
"""A window, or a time-out, shorter than this says nothing of a connection that is still waiting."""

SPIN_CHANGE_MOST = 0.20
"""Of the spin's CPU time, up or down. On a small shared machine it had a standard deviation of 4%, and 3 of 102 spins
were more than 10% off, so one of two differs by 20% in far less than one of a hundred quiet cells. A neighbour on the
sibling of a physical core, or a clock that is throttled, costs 25% and more."""

SPIN_FROM_MEDIAN_MOST = 0.20
"""Likewise, from the median of a run's cells. Only a caveat: it is known when the run has ended."""

START_SKEW_MOST_SECONDS = 0.1
"""Between the begins of two generators of one load. Their ends lie as far apart anyway: wrk's threads look every 100 ms
whether its time is over (`RECORD_INTERVAL_MS` in src/wrk.c of wrk 4.1.0)."""

APART_MOST = 0.02
"""Of the load, in which not all generators were at work: throughput is so much too low at most, and the margin of
"same" is 3%. Only a caveat: it is as much for each API."""

CLOCK_ERROR_MOST_SECONDS = 0.01
"""Between two hosts' clocks. What a role used is taken over the load window, and one of a second then is a hundredth
off."""

NETWORK_BUSY_MOST = 0.80
"""Of the bandwidth that one TCP connection had alone, by the answers: above, they queue in the network, and the
requests, acknowledgements and headers of packets that come on top aren't counted."""

NETWORK_OF_LATENCY_MOST = 0.50
"""Of the median latency, by the network's round trip. Only a caveat: the rest is what the APIs can differ in."""

NETWORK_CHANGE_MOST = 0.25
"""Of round trip and bandwidth, from before a run to after it, as a ratio up or down. Only a caveat."""

MEMORY_DIFFERENCE_MOST = 0.02
"""Of a host's memory, for a load host to be identical: what firmware and kernel keep to themselves differs."""

SERVICE_BUSY_LEAST = 0.90
"""Of the CPUs that a service can fill: beyond, PostgreSQL or Redis is what the API waits for. A label, not a void: it
is what was to be measured, but a "same" is then a statement about the database."""
