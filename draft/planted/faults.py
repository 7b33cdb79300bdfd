"""Faults to plant: (number, area, file, fault in a phrase, old text, new text, folders of tests that ought to notice)."""

X, A, P, D, L, C, CI, T = (f"tests/unit/{name}" for name in
    ("experiment", "analysis", "provision", "documents", "lab", "cli", "ci", "toolchain"))
U = "tests/unit"
FAULTS = []


def fault(number, area, file, phrase, old, new, *tests):
    FAULTS.append((number, area, file, phrase, old, new, tests))


# pinning
fault("01", "pinning", "provision/host/pinning.py", "passes that found nothing are counted over all, not since the last change",
"""        if found:
            clean = 0
        elif is_whole:
""", """        if not found and is_whole:
""", P)
fault("02", "pinning", "provision/host/pinning.py", "command names aren't cut to the 15 characters that the kernel keeps",
"    wanted = {command[:COMMAND_CHARACTERS] for command in commands}\n", "    wanted = set(commands)\n", P)
fault("03", "pinning", "provision/pinning.py", "a process that keeps to a part of its CPUs passes (not a superset, instead of not equal)",
"        if not astray and together != wanted:\n", "        if not astray and not together <= wanted:\n", P, X)
fault("04", "pinning", "documents/explicit_cores.py", "SMT siblings split with PostgreSQL aren't refused",
"""for role in ("api", "postgres", "generator") if set(core)""", """for role in ("api", "generator") if set(core)""", D, L)
fault("05", "pinning", "lab/cores.py", "take_cores: off by one, a host never gets all CPUs that it may have",
"+ len(core) > cpus:", "+ len(core) >= cpus:", L)

# resume
fault("06", "resume", "experiment/journal.py", "a line that a crash tore isn't ended before the next entry",
"""            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\\n":
                    file.write(b"\\n")
""", "", X)
fault("07", "resume", "experiment/run_folder.py", "what an attempt that broke off left in its folder stays there",
"""        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
""", """        folder.mkdir(parents=True, exist_ok=True)
        return folder
""", X)
fault("08", "resume", "experiment/loop.py", "an attempt that was finished as the run broke off isn't told where an earlier one of its cell was",
"""        (entry.cell_id, entry.attempt or 1)
        for entry in folder.journal.entries()
        if entry.event in {"cell-finished", "cell-void"}
    }
    for record in chain.from_iterable(attempts.values()):
        if (record.cell_id, record.attempt) not in told:
""", """        entry.cell_id
        for entry in folder.journal.entries()
        if entry.event in {"cell-finished", "cell-void"}
    }
    for record in chain.from_iterable(attempts.values()):
        if record.cell_id not in told:
""", X)
fault("09", "resume", "experiment/loop.py", "a resume doesn't look whether the tools' versions are still the same",
"""    versions = bench.read_tool_versions()
    for tool in sorted(manifest.tool_versions | versions):
        if manifest.tool_versions.get(tool) != versions.get(tool):
            changed.append(f"{tool} was {manifest.tool_versions.get(tool)} and is {versions.get(tool)}")
    if changed:
""", """    if changed:
""", X)
fault("10", "resume", "analysis/attempts.py", "one attempt more than the protocol allows",
"    if len(made) >= allowed or any(", "    if len(made) > allowed or any(", X, A)
fault("11", "resume", "experiment/run_folder.py", "a run counts as finished though the host wasn't looked at after its last cell",
"        if self.read_host().after is None or self.lacks_open_loop_plan():\n", "        if self.lacks_open_loop_plan():\n", X)
fault("12", "resume", "experiment/run_folder.py", "a raw file that a finished cell's record doesn't list isn't noticed",
"        if found != record.files:\n", "        if any(found.get(name) != digest for name, digest in record.files.items()):\n", X)
fault("13", "resume", "experiment/storage.py", "a document of a run is renamed before it is on disk (forgotten fsync)",
"""        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished""", """        file.write(text)
    unfinished""", X)
fault("14", "resume", "experiment/host/hold.py", "the lock file isn't emptied before its holder is written",
"    os.ftruncate(descriptor, 0)\n", "", X)

# kernel settings
fault("15", "kernel settings", "experiment/holding.py", "what a killed run had set isn't put back when the next one begins",
"""        bench.clear()
        bench.untune()
        return do()
""", """        bench.clear()
        return do()
""", X)
fault("16", "kernel settings", "experiment/holding.py", "forgotten undo: a run that ends leaves the settings set",
"        rest.callback(bench.untune)\n", "", X)
fault("17", "kernel settings", "provision/host/knobs/tuning.py", "a setting is changed before its old value is in the journal",
"""                journal.append(Change(boot=now, path=path, kind=kind, old=before, new=new))
                refused = values.write(path, new)
""", """                refused = values.write(path, new)
                journal.append(Change(boot=now, path=path, kind=kind, old=before, new=new))
""", P)
fault("18", "kernel settings", "provision/host/knobs/tuning.py", "changes are put back in the order in which they were made",
"    for change in reversed(changes):\n", "    for change in changes:\n", P)
fault("19", "kernel settings", "provision/host/knobs/tuning.py", "the journal goes although the kernel refused to take a value back",
"""    if not failed:
        journal.remove(keep=damaged)
        boot.remove(root)
        # The lease last: as long as it is there, a guard goes on where this was killed.
        Lease(state).remove()
""", """    journal.remove(keep=damaged)
    if not failed:
        boot.remove(root)
        # The lease last: as long as it is there, a guard goes on where this was killed.
        Lease(state).remove()
""", P)
fault("20", "kernel settings", "provision/host/knobs/tuning.py", "what a boot set by itself is overwritten with what was before it",
"    return change.boot == now or values.same(change.kind, current, change.new)\n", "    return True\n", P)
fault("21", "kernel settings", "provision/host/knobs/lease.py", "the lease counts on a clock that stands still while the machine sleeps",
"time.clock_gettime(time.CLOCK_BOOTTIME)", "time.clock_gettime(time.CLOCK_MONOTONIC)", P)
fault("22", "kernel settings", "provision/host/knobs/journal.py", "a change's journal line isn't brought to disk (forgotten fsync)",
"""            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.path)
""", """            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        sync_folder(self.path)
""", P)
fault("23", "kernel settings", "provision/host/knobs/guard.py", "at a boot, settings are put back though a lease holds (missing check)",
"""        # Under the lock it is certain: a run may have renewed it a moment ago.
        remaining = Lease(state).remaining_seconds()
        if remaining is not None and remaining > 0:
            return True
""", "", P)
fault("24", "kernel settings", "provision/host/knobs/values.py", "an interrupt that only had the API's CPUs is sent to all, the API's among them",
"    left = (now or set()) - kept_free or cpus - kept_free\n", "    left = (now or set()) - kept_free or cpus\n", P)
fault("25", "kernel settings", "experiment/knob_records.py", "a resumed run records as 'before' what the run itself had set",
"""            merged.append(record.model_copy(update={"before": known.before}))
""", """            merged.append(record)
""", X)
fault("26", "kernel settings", "experiment/remote_bench.py", "a lease that lapsed in the middle of a cell isn't noticed (forgotten renewal)",
"""        if self._lease_seconds is not None:
            # One that lapsed meanwhile, as while the controller slept, would leave a cell measured half and half.
            self._renew(self._lease_seconds)
        fetched""", """        fetched""", X)
fault("27", "kernel settings", "experiment/loop.py", "the lease isn't long enough for an API that takes its time to be ready",
"    bench.renew(seconds=expected_seconds + READY_SECONDS)\n", "    bench.renew(seconds=expected_seconds)\n", X)
fault("28", "kernel settings", "provision/tuning.py", "a host that can't put a setting back is no error",
"    if restored.failed:\n", "    if restored.failed and restored.damaged:\n", P, X)

# secrets
fault("29", "secrets", "lab/credentials.py", "the JWT secret isn't marked as one: it is plain in Pulumi's state",
"""    "jwt_secret",
    "user_private_key",
""", """    "user_private_key",
""", L, U)
fault("30", "secrets", "documents/inventory.py", "the JWT secret is shown by repr, and so by a traceback or a log",
"    jwt_secret: str = Field(repr=False)\n", "    jwt_secret: str\n", D)
fault("31", "secrets", "experiment/cell.py", "Redis's password isn't taken out of a void's message",
"for secret in (secrets.jwt_secret, secrets.postgres_password, secrets.redis_password):", "for secret in (secrets.jwt_secret, secrets.postgres_password):", X)
fault("32", "secrets", "lab/lifecycle/engine.py", "the engine's event log can be read by others",
"        events.touch(mode=0o600)\n", "        events.touch()\n", L, U)
fault("33", "secrets", "lab/lifecycle/drift/comparison.py", "drift shows a text that has a secret in it, as a URL has a password",
"any(secret in value for secret in self._secrets)", "any(secret == value for secret in self._secrets)", L)
fault("34", "secrets", "experiment/generators.py", "the cell's access tokens can be read by every user of the host",
"""host_folder.path_of("tokens"), mode=0o600)""", """host_folder.path_of("tokens"), mode=0o644)""", X)
fault("35", "secrets", "lab/lab.py", "the lab's exported secrets aren't a Pulumi secret: plain in state and in `pulumi stack output`",
"""        self.secrets = pulumi.Output.secret(
            pulumi.Output.all(credentials.postgres_password, credentials.redis_password, credentials.jwt_secret).apply(
                lambda values: Secrets(postgres_password=values[0], redis_password=values[1], jwt_secret=values[2])
            )
        )
""", """        self.secrets = pulumi.Output.unsecret(
            pulumi.Output.all(credentials.postgres_password, credentials.redis_password, credentials.jwt_secret)
        ).apply(lambda values: Secrets(postgres_password=values[0], redis_password=values[1], jwt_secret=values[2]))
""", L)
fault("36", "secrets", "lab/ssh_files.py", "the private key among the SSH files is plain in Pulumi's state",
"""        secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
""", """        secret = pulumi.ResourceOptions()
""", L)
fault("37", "secrets", "apis/contract/checks/model.py", "the JWT secret of a check's target is shown by repr",
"    jwt_secret: str = Field(repr=False)\n", "    jwt_secret: str\n", X, U)

# statistics
fault("38", "statistics", "analysis/statistics/intervals.py", "half_width takes the one-sided quantile of t",
"stdtrit(self.degrees_of_freedom, (1 + confidence) / 2)", "stdtrit(self.degrees_of_freedom, confidence)", A)
fault("39", "statistics", "analysis/statistics/holm.py", "Holm: an adjusted p-value may be less than that of a smaller p-value (no running maximum)",
"    adjusted = np.minimum(np.maximum.accumulate(products, axis=-1), 1.0)\n", "    adjusted = np.minimum(products, 1.0)\n", A)
fault("40", "statistics", "analysis/statistics/equivalence.py", "the margin isn't taken on the log scale",
"    return np.abs(log_ratio.mean) + half_width <= log_margin(margin)\n", "    return np.abs(log_ratio.mean) + half_width <= margin\n", A)
fault("41", "statistics", "analysis/statistics/block_ratios.py", "ratios pair the n-th values of two APIs, not those of one block",
"""    return [
        float(np.mean(by_api[first]) - np.mean(by_api[second]))
        for _, by_api in sorted(logs.items())
        if first in by_api and second in by_api
    ]
""", """    blocks = [by_api for _, by_api in sorted(logs.items())]
    firsts, seconds = ([np.mean(by_api[api]) for by_api in blocks if api in by_api] for api in (first, second))
    return [float(one - other) for one, other in zip(firsts, seconds, strict=False)]
""", A)
fault("42", "statistics", "analysis/statistics/power.py", "the equivalence test's power is taken with a degree of freedom too many",
"    return equivalence_power(difference, noise / math.sqrt(blocks), blocks - 1, log_margin(margin))\n",
"    return equivalence_power(difference, noise / math.sqrt(blocks), blocks, log_margin(margin))\n", A, X)
fault("43", "statistics", "analysis/statistics/two_samples.py", "Welch's degrees of freedom: n for n - 1 of the first sample",
"variances[0] ** 2 / (first.blocks - 1) +", "variances[0] ** 2 / first.blocks +", A)
fault("44", "statistics", "analysis/statistics/estimates.py", "both cells of a block's twin count as blocks of their own",
"    values = [float(np.mean(cells)) for cells in blocks]\n", "    values = [value for cells in blocks for value in cells]\n", A)
fault("45", "statistics", "analysis/statistics/twin.py", "the twin's ratio is that of the earlier cell over the later one",
"        values[1] - values[0] for", "        values[0] - values[1] for", A)
fault("46", "statistics", "analysis/statistics/measures.py", "a higher p99 counts as the better one",
"""        title="p99 latency (raw)",
        name="raw p99 latency",
        higher_is_better=False,
""", """        title="p99 latency (raw)",
        name="raw p99 latency",
        higher_is_better=True,
""", A)

# gate
fault("47", "gate", "analysis/gate.py", "a shown regression is no regression where a cell is missing elsewhere (order of checks)",
"""    worse = tuple(_tell(finding, base) for finding in judged if finding.pair.better == base)
    if worse:
        return "regression", worse
    missing = (*_unfinished(report, {base, candidate}), *_failures(report, candidate), *_too_few(judged))
    if missing:
        return "no-answer", missing
""", """    missing = (*_unfinished(report, {base, candidate}), *_failures(report, candidate), *_too_few(judged))
    if missing:
        return "no-answer", missing
    worse = tuple(_tell(finding, base) for finding in judged if finding.pair.better == base)
    if worse:
        return "regression", worse
""", A)
fault("48", "gate", "analysis/gate.py", "a candidate that hangs may pass: stuck requests aren't among an API's faults",
"""        "connections-missing",
        "stuck-requests",
""", """        "connections-missing",
""", A)
fault("49", "gate", "cli/gate.py", "the exit statuses of can't tell and no answer are swapped",
""""cannot-tell": 2, "no-answer": 3}""", """"cannot-tell": 3, "no-answer": 2}""", C)
fault("50", "gate", "analysis/gate.py", "a gate judged by latency: the higher one is the better one",
"    first_is_better = (ratio > 1) == MEASURES[comparison.measure].higher_is_better\n", "    first_is_better = ratio > 1\n", A)
fault("51", "gate", "cli/main.py", "a wrong command line of `lab gate` ends with 2, which says can't tell",
"        return error.exit_code if without_answer is None else without_answer\n", "        return error.exit_code\n", C)
fault("52", "gate", "ci/gate.py", "of several APIs' gates can't tell counts more than no answer",
"WORST_FIRST = (REGRESSION, NO_ANSWER, CANNOT_TELL, PASSED)", "WORST_FIRST = (REGRESSION, CANNOT_TELL, NO_ANSWER, PASSED)", CI)
fault("53", "gate", "cli/main.py", "`lab gate` on a full disk ends with 1, which says regression",
"""        _tell(console, sentence)
        return failed
""", """        _tell(console, sentence)
        return EXIT_FAILED
""", C)
fault("54", "gate", "analysis/gate.py", "the blocks that a gate asks for are those of one comparison, not of all at once",
"    power = power_of_all(len(ratios))\n", "    power = power_of_all(1)\n", A)

# lifecycle
fault("55", "lifecycle", "lab/lifecycle/lifecycle.py", "the receipt tells only what Docker refused to remove, and doesn't look what is still there",
"""    left = [f"{thing}{refusals.get(thing, '')}" for thing in find_labelled(engine.stack) if thing not in kept]
""", """    left = [f"{thing}{refusal}" for thing, refusal in refusals.items()]
""", L)
fault("56", "lifecycle", "lab/lifecycle/lifecycle.py", "operations that a killed engine left pending aren't taken for a kill where its lock is gone",
"    killed = released or state.pending\n", "    killed = released\n", L)
fault("57", "lifecycle", "lab/lifecycle/lifecycle.py", "down leaves pending operations on record",
"""        if state.pending:
            # What they made carries the label.
            engine.operate("refresh", "--yes", "--skip-preview", "--clear-pending-creates", progress=progress)
    elif""", """    elif""", L)
fault("58", "lifecycle", "lab/lifecycle/state.py", "a host that is to go, because another took its place, is taken for the lab's",
"""        if _tells_of_the_host(resource) and not resource.get("delete"):
""", """        if _tells_of_the_host(resource):
""", L)
fault("59", "lifecycle", "lab/lifecycle/expiry.py", "an expired lab whose document is gone is never taken down",
"    for name in dict.fromkeys((*documents, *recorded)):\n", "    for name in documents:\n", L)
fault("60", "lifecycle", "lab/lifecycle/drift/containers.py", "drift: a variable that somebody added to a container isn't told",
"    for name in sorted(state.environment | running.environment):\n", "    for name in sorted(state.environment):\n", L)
fault("61", "lifecycle", "lab/lifecycle/state.py", "the language host and plugins of a killed engine aren't ended",
"""        end_session(process_id, engine.environment["PULUMI_BACKEND_URL"])
        path.unlink(""", """        path.unlink(""", L)
fault("62", "lifecycle", "lab/lifecycle/drift/services.py", "drift: a setting of PostgreSQL for a role isn't compared with anything, and not told",
"    for override in state.overrides:\n", "    for override in (one for one in state.overrides if one.database is not None):\n", L)
fault("63", "lifecycle", "lab/lifecycle/lifecycle.py", "a host at a cloud that can't be destroyed is forgotten, and goes on costing money",
"""        if state.host is not None and state.host.kind != "container":
            raise LabError(f"{error} {remedy(state.host)}") from error
""", "", L)
fault("64", "lifecycle", "lab/lifecycle/preflight.py", "a taken SSH port isn't noticed before up (bound to another address)",
"""            probe.bind(("127.0.0.1", port))""", """            probe.bind(("127.0.0.2", port))""", L)

# host keys
fault("65", "host keys", "lab/docker_ssh.py", "Docker's ssh takes the key of a host that it doesn't know",
""""StrictHostKeyChecking=yes",""", """"StrictHostKeyChecking=accept-new",""", L)
fault("66", "host keys", "lab/hosts/pinned_keys.py", "a key that was pinned before for a host isn't forgotten",
"""    kept = [line for line in lines if line.partition(" ")[0] != name]
""", """    kept = lines
""", L, C)
fault("67", "host keys", "provision/login.py", "known_hosts may pin another key than the inventory",
"    if known.get(pinned_key.get_name()) != pinned_key:\n", "    if known.get(pinned_key.get_name()) is None:\n", P, X)
fault("68", "host keys", "cli/host_keys.py", "a key is pinned before it was confirmed",
"""        if not ask("Is it the same?"):
            raise HostKeyError(
                f"The key of {where} wasn't confirmed: nothing was done there. Find out which machine "
                "answers there and why its key is another one, then run the same command again."
            )
        pin_key(folder, host.address, host.port, key)
""", """        pin_key(folder, host.address, host.port, key)
        if not ask("Is it the same?"):
            raise HostKeyError(
                f"The key of {where} wasn't confirmed: nothing was done there. Find out which machine "
                "answers there and why its key is another one, then run the same command again."
            )
""", C)
fault("69", "host keys", "lab/hosts/ssh_login.py", "a confirmed key goes before the one that the document gives",
"    return host.host_key or pinned_key(folder, host.address, host.port)\n",
"    return pinned_key(folder, host.address, host.port) or host.host_key\n", L, C)

# load
fault("70", "load: wrk's correction", "analysis/histogram.py", "invert_correction: a latency of exactly the interval counts as corrected",
"    has_later = (values > interval) &", "    has_later = (values >= interval) &", A)
fault("71", "load: wrk's correction", "analysis/histogram.py", "answers beyond the time-out are looked for in the histogram",
"    recorded = result.requests - result.errors.timeout\n", "    recorded = result.requests\n", A)
fault("72", "load", "analysis/merging.py", "several generators' load is as long as the longest one's, not from the first begin to the last end",
"""            "elapsed_us": (end_ns - start_ns) // 1000,
""", """            "elapsed_us": max(part.elapsed_us for part in parts),
""", A)
fault("73", "load: open loop", "experiment/workloads/vegeta/tally.go", "latency runs from when a request was sent, not from when it was due (coordinated omission)",
"	t.Latency.add(lateness + result.Latency)\n", "	t.Latency.add(result.Latency)\n", X)
fault("74", "load: open loop", "analysis/open_loop.py", "a rate of 57 comes to 56 by floating point",
"    whole = max(math.floor(rate + 1e-6), 1)\n", "    whole = max(math.floor(rate), 1)\n", A, X)
fault("75", "load: open loop", "experiment/workloads/command.py", "shares of a rate add up to more than the rate (off by one)",
"(number < rate % generators)", "(number <= rate % generators)", X)
fault("76", "load", "experiment/workloads/command.py", "wrk never gets all CPUs of the generator (off by one)",
"for threads in range(1, cpus + 1) if", "for threads in range(1, cpus) or (1,) if", X)
fault("77", "load", "experiment/workloads/replay.lua", "warm-up: the count of a second isn't set back when it is over",
"         second, count = second + 1, 0\n", "         second = second + 1\n", X)
fault("78", "load: several hosts", "experiment/generators.py", "generators' common begin is by the wrong sign of their clocks' offsets",
"        return [start_ns - clock.offset_ns + later_ns for", "        return [start_ns + clock.offset_ns + later_ns for", X)
fault("79", "load: several hosts", "analysis/clocks.py", "a clock's drift between its readings is left out",
"    return at_ns + before.offset_ns + drift_ns\n", "    return at_ns + before.offset_ns\n", A)

# warm-up
fault("80", "warm-up", "experiment/warming.py", "a warm-up may end before its least seconds",
"        return len(series) >= protocol.warm_up_least_seconds and is_steady(series)\n", "        return is_steady(series)\n", X)
fault("81", "warm-up", "analysis/steadiness.py", "steady takes a second more than said (off by one)",
"    return len(recent) - last_change(recent) >= STEADY_SECONDS\n", "    return len(recent) - last_change(recent) > STEADY_SECONDS\n", A)
fault("82", "warm-up", "provision/warm_up.py", "a second counts as soon as one of wrk's threads has told it",
"    while len(counts[len(series)]) == threads:\n", "    while counts[len(series)]:\n", P, X)
fault("83", "warm-up", "analysis/steadiness.py", "the noise of a second is taken for that of a difference of two",
"/ (_MAD_OF_NORMAL * np.sqrt(2)), NOISE_FLOOR)", "/ _MAD_OF_NORMAL, NOISE_FLOOR)", A)

# voids
fault("84", "voids", "experiment/disturbances.py", "steal on few of many CPUs isn't counted: the role's number of CPUs is left out",
"    return share * len(cores.of(role)) * watch.seconds > COUNTED_SECONDS_LEAST\n", "    return share * watch.seconds > COUNTED_SECONDS_LEAST\n", X)
fault("85", "voids", "experiment/disturbances.py", "spin: faster by a fifth isn't what slower by a quarter is",
"    times = max(1 + watch.spin_change, 1 / (1 + watch.spin_change))\n", "    times = 1 + abs(watch.spin_change)\n", X)
fault("86", "voids", "analysis/watch.py", "waiting for a disk counts as busy",
"        busy = milliseconds - spent.idle - spent.iowait - spent.steal\n", "        busy = milliseconds - spent.idle - spent.steal\n", A)
fault("87", "voids", "analysis/watch.py", "wrk's first thread, which sleeps, counts as a worker",
"    workers = max(threads - 1, 1)\n", "    workers = max(threads, 1)\n", A)
fault("88", "voids", "experiment/disturbances.py", "saturation: the generator's busiest CPU isn't looked at",
"    if own and max(numbers.generator_saturation, busiest) > GENERATOR_BUSY_MOST:\n", "    if own and numbers.generator_saturation > GENERATOR_BUSY_MOST:\n", X)
fault("89", "voids", "analysis/watch.py", "connections are those of the last tick, not the most that were open",
"        connections=max(tick.connections for tick in ticks),\n", "        connections=last.connections,\n", A)
fault("90", "voids", "experiment/verdict.py", "a sampler that stopped long before the load's end isn't noticed (samples of all time are counted)",
"        counts = {role: _within(found.time_ns, window) for role, found in samples.items()}\n",
"        counts = {role: len(found.time_ns) for role, found in samples.items()}\n", X)
fault("91", "voids", "experiment/cell.py", "a thread that isn't on its role's CPUs is recorded, and the cell counts",
"""        if astray:
            raise _VoidCellError(Void(reason="pinning", message=message) for message in astray)

    def put_under_load""", """        del astray

    def put_under_load""", X)

# report numbers
fault("92", "report numbers", "analysis/histogram.py", "a percentile's rank is rounded down",
"        rank = -(-per_mille * self.count // 1000)\n", "        rank = per_mille * self.count // 1000\n", A)
fault("93", "report numbers", "analysis/report.py", "errors of void attempts aren't in a load's errors",
"        errors=_sum_of([cell.numbers.errors for cell in valid] + [_errors_of_void(run, record) for record in void]),\n",
"        errors=_sum_of([cell.numbers.errors for cell in valid]),\n", A)
fault("94", "report numbers", "analysis/pages/summary_csv.py", "CSV: raw and corrected latency stand in each other's columns",
"""    yield from _of_latency(measured.raw)
    yield from _of_latency(measured.corrected)
""", """    yield from _of_latency(measured.corrected)
    yield from _of_latency(measured.raw)
""", A, C)
fault("95", "report numbers", "analysis/pages/numbers.py", "0.9996 is written with four digits",
"((0.9995, 3), (9.995, 2), (99.95, 1))", "((1, 3), (10, 2), (100, 1))", A)
fault("96", "report numbers", "analysis/cells.py", "Little's law with the connections that were asked for, not those that wrk opened",
"        littles_law=throughput * latency.mean_us / 1e6 / opened,\n", "        littles_law=throughput * latency.mean_us / 1e6 / result.connections,\n", A)
fault("97", "report numbers", "analysis/samples.py", "memory is the mean of all samples, the warm-up's among them",
"        memory_mean_bytes=float(samples.anonymous_bytes[inside].mean()),\n", "        memory_mean_bytes=float(samples.anonymous_bytes.mean()),\n", A)
fault("98", "report numbers", "analysis/saturation.py", "bound by PostgreSQL in half of the cells, instead of most",
"if 2 * sum(bound) > len(bound))", "if 2 * sum(bound) >= len(bound))", A)
fault("99", "report numbers", "analysis/pages/table.py", "the summary's memory is in MiB under the heading MB",
"                    plain(measured.memory_mean_bytes.value / 1e6),\n", "                    plain(measured.memory_mean_bytes.value / 2**20),\n", A)

# documents
fault("100", "documents", "documents/stack.py", "a lab that may lose commits isn't refused: synchronous_commit isn't looked at",
"""    for name in ("fsync", "synchronous_commit"):
""", """    for name in ("fsync",):
""", D, L)
fault("101", "documents", "documents/base.py", "a key that is given twice is taken",
"            seen.add(key.value)\n", "", D)
fault("102", "documents", "documents/host_kinds.py", "an API may be opened at a loopback or link-local address for load hosts",
"    if address.is_global or address.is_loopback or address.is_unspecified or address.is_link_local:\n",
"    if address.is_global or address.is_unspecified:\n", D)
fault("103", "documents", "documents/protocol.py", "a warm-up of fixed length is refused (off by one)",
"        if self.warm_up_least_seconds > self.warm_up_seconds:\n", "        if self.warm_up_least_seconds >= self.warm_up_seconds:\n", D, X)
fault("104", "documents", "documents/durations.py", "a length of time is rounded down to whole minutes: the least budget that is told is too small",
"    minutes = -int(-seconds // 60)\n", "    minutes = int(seconds // 60)\n", D, X)
fault("105", "documents", "documents/stack.py", "an API and PostgreSQL may have one port",
"""            (("services", "postgres", "port"), self.services.postgres.port),
""", "", D, L)

# sampling
fault("106", "sampling", "provision/host/sampler.py", "ticks that were missed are made up for by a burst",
"                due_ns += period_ns * (1 + late_ns // period_ns)\n", "                due_ns += period_ns\n", P)
fault("107", "sampling", "provision/host/sampler.py", "cgroup v2: microseconds are taken for nanoseconds",
"""            cpu_ns = 1000 * field(b"\\n" + cpu,""", """            cpu_ns = field(b"\\n" + cpu,""", P)
fault("108", "sampling", "provision/host/watch.py", "the sleeping supervisor of the load's job counts as a thread of the generator",
"""            if read(f"/proc/{process}/comm").strip() == SUPERVISOR:
                continue
""", "", P)
fault("109", "sampling", "analysis/samples.py", "a CPU counter that falls, as of a cgroup made anew, is taken",
"        if earlier and row[1] < earlier[-1][1]:\n", "        if earlier and row[1] < earlier[0][1]:\n", A)

# tokens
fault("110", "token minting", "apis/contract/tokens.py", "a token's lifetime isn't the one that was asked for",
"""        "exp": start + lifetime,
""", """        "exp": start + LIFETIME,
""", X, U)
fault("111", "token minting", "experiment/cell.py", "a cell's tokens hold for the window alone, not for its warm-up",
"""            lifetime_seconds=self._conditions.protocol.warm_up_seconds
            + scenario.duration_seconds
            + READY_SECONDS
            + _TOKEN_MARGIN_SECONDS,
""", """            lifetime_seconds=scenario.duration_seconds,
""", X)

# image identity
fault("112", "image identity", "provision/build_context.py", "the executable bit isn't in a build context's hash",
"""            kind, content = ("program" if path.stat().st_mode & 0o100 else "file"), path.read_bytes()
""", """            kind, content = "file", path.read_bytes()
""", P)
fault("113", "image identity", "lab/built_image.py", "another target of the same Dockerfile is the same image",
"""_MADE_OF = ("image", "source", "base", "base_id", "target", "stack")""", """_MADE_OF = ("image", "source", "base", "base_id", "stack")""", L)
fault("114", "image identity", "provision/made_images.py", "an image's end takes the one off the record that took its name meanwhile",
"    if path.exists() and _read(path).image_id == image_id:\n", "    if path.exists():\n", L, P)
fault("115", "image identity", "lab/built_image.py", "a refresh takes any image of the name for the one on record",
"            is_there = find_image(connection, id_) == props[\"image_id\"]\n", "            is_there = find_image(connection, id_) is not None\n", L)
fault("116", "image identity", "provision/image_transfer.py", "an image that was carried isn't held to its id",
"""    if (found := find_image(target, name)) != image_id:
        raise HostError(f"The image {name} has the id {found} on {target}, and {image_id} on {source}.")
""", """    if (found := find_image(target, name)) is None:
        raise HostError(f"The image {name} has the id {found} on {target}, and {image_id} on {source}.")
""", L, P)

# permissions
fault("117", "file permissions", "lab/ssh_files.py", "a refresh passes a private key that the group may read",
"path.stat().st_mode & 0o077:\n                return", "path.stat().st_mode & 0o007:\n                return", L, U)
fault("118", "file permissions", "lab/ssh_files.py", "the private key is made with the umask's mode",
"    temporary.touch(mode=0o600)\n", "", L, U)
fault("119", "file permissions", "provision/login.py", "a private key that the group may read is used, though Docker's ssh won't",
"status.st_mode & 0o077:", "status.st_mode & 0o007:", P, L, C)
fault("120", "file permissions", "provision/host/knobs/journal.py", "a file that is written whole can be read by all",
"def write_whole(path: str, text: str, mode: int = 0o600) -> None:", "def write_whole(path: str, text: str, mode: int = 0o644) -> None:", P)
fault("121", "file permissions", "toolchain/files.py", "a file's mode is the umask's: the passphrase of the state",
"""    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
""", """    with partial.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
""", T + "/test_files.py", U + "/test_private_files.py")

# checks
fault("122", "contract checks", "apis/contract/checks/run.py", "a check that fails by an error without a text counts as passed",
"        detail = str(error) or type(error).__name__\n", "        detail = str(error)\n", X, C)
fault("123", "contract checks", "cli/verify.py", "`lab verify` ends with 0 where checks were skipped",
"""    failed = [result for result in results if result.outcome != "passed"]
""", """    failed = [result for result in results if result.outcome == "failed"]
""", C)
fault("124", "contract checks", "experiment/readiness.py", "an API that answers /readyz with 503 counts as ready",
"        return answer.is_success\n", "        return True\n", X)
fault("125", "contract checks", "experiment/remote_bench.py", "a question of the probe that failed doesn't void the cell",
"for result in results if result.outcome == \"failed\"]", "for result in results if result.outcome == \"skipped\"]", X)
fault("126", "budget", "experiment/budget.py", "a budget forgets what the open loop takes",
"    besides = RUN_OVERHEAD_SECONDS + kept_seconds\n", "    besides = RUN_OVERHEAD_SECONDS\n", X)
fault("127", "lifecycle: jobs", "provision/host/job.py", "a job's status is written before its process group was ended, which is forgotten",
"""    ended_ns = time.monotonic_ns()
    signal_group(process.pid, signal.SIGKILL)
    signal.setitimer""", """    ended_ns = time.monotonic_ns()
    signal.setitimer""", P)
fault("128", "runs kept", "experiment/run_list.py", "a run that was marked to be kept is pruned",
"""    if run.kept:
        return "kept"
""", "", X, C)
