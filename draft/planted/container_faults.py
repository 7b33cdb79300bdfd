"""Faults that only tests with containers or an sshd can notice: (number, area, file, phrase, old, new, the test that must notice)."""
FAULTS = []


def fault(*values):
    FAULTS.append(values)


K = "tests/contract/test_checks.py::test_implementation_keeps_the_contract"
fault("201", "API: Go", "apis/go/internal/api/posts.go", "a page asks for no row more than its limit: next_before is null where more follow",
"a.store.Posts(ctx, page.before, page.limit+1)", "a.store.Posts(ctx, page.before, page.limit)", f"{K}[go-posts.list_goes_back_page_by_page] (also [go-posts.last_page_has_no_next], tests/differential/test_differential.py, and Go's own tests by tests/apis/test_checks.py)")
fault("202", "API: Go", "apis/go/internal/token/token.go", "a token without an expiry is taken",
"			jwt.WithExpirationRequired(),\n", "", f"{K}[go-tokens.claims_must_be_there_and_right]")
fault("203", "API: Rust", "apis/rust/src/cache.rs", "a post is cached for as long as the first page",
"self.set(&post_key(id), value, POST_SECONDS).await;", "self.set(&post_key(id), value, FIRST_PAGE_SECONDS).await;", f"{K}[rust-caching.posts_are_stored_as_tag_newline_and_json]")
fault("204", "API: Rust", "apis/rust/src/api/posts.rs", "a statement that failed for an unknown reason leaves the post in the cache",
"""        _ => cache.delete_post(id).await,
    }
""", """        Ok(_) => cache.delete_post(id).await,
        Err(_) => {}
    }
""", "NONE (by reading): no check looks for DEL behind a 503; see unnoticed")
fault("205", "API: Kotlin", "apis/kotlin/src/main/kotlin/fairground/security/AccessTokens.kt", "a token is taken before its time (nbf isn't compared)",
"if (expiry <= now || hasBadNotBefore || (notBefore ?: now) > now) return null", "if (expiry <= now || hasBadNotBefore) return null", f"{K}[kotlin-tokens.claims_must_be_there_and_right]")
fault("206", "API: Zig", "apis/zig/src/api/post_writes.zig", "a post that belongs to another user is told to be missing (swapped arms)",
"const reason = if (outcome.done == 0) &problem.no_post else &problem.not_owner;", "const reason = if (outcome.done == 0) &problem.not_owner else &problem.no_post;", f"{K}[zig-posts.posts_of_others_are_forbidden]")
fault("207", "contract checks", "apis/contract/checks/expect.py", "headers of an answer that the contract doesn't have aren't looked at",
"""    seen = sorted((name, value) for name, value in answer.headers if name not in NOT_COMPARED)
""", """    seen = sorted((name, value) for name, value in answer.headers if name in expected)
""", "tests/contract/test_checks.py::test_each_question_of_the_probe_can_fail")
fault("208", "contract checks", "apis/contract/checks/posts.py", "the check of another's post looks only at DELETE",
"""    expect_problem(context.put(path, {"title": "t", "body": "b"}, token=token), problems.NOT_OWNER)
    expect_invalid(context.put(path, {"body": "b"}, token=token), ("title", problems.REQUIRED))
""", """    expect_invalid(context.put(path, {"body": "b"}, token=token), ("title", problems.REQUIRED))
""", "NONE (by reading): the one broken rule of that check is about DELETE; see unnoticed")
fault("209", "transfer", "provision/transfer.py", "a push is renamed to its target before it is compared",
"""            digest = _upload(sftp, source, temporary, mode)
            _compare(
                digest,
                remote_sha256(connection, temporary),
                f"{remote} didn't reach {connection} whole, and nothing was replaced",
            )
            sftp.posix_rename(temporary, remote)
""", """            digest = _upload(sftp, source, temporary, mode)
            sftp.posix_rename(temporary, remote)
            _compare(
                digest,
                remote_sha256(connection, remote),
                f"{remote} didn't reach {connection} whole, and nothing was replaced",
            )
""", "tests/ssh/test_transfer.py::test_a_push_onto_a_full_disk_leaves_nothing")
fault("210", "transfer", "provision/transfer.py", "a pull's SHA-256 is compared with nothing",
"""        _compare(digest, expected, f"{remote} didn't arrive whole from {connection}, and {local} was not written")
        temporary.replace(local)
""", """        del expected
        temporary.replace(local)
""", "tests/ssh/test_transfer.py::test_a_damaged_pull_is_refused_and_the_target_stays_as_it_was, ::test_a_file_that_grows_while_it_is_pulled_is_refused")
fault("211", "transfer", "provision/transfer.py", "a pushed file is open to the umask's readers while it is written (chmod after the last byte)",
"""        # Before the first byte: the file is made with the server's default permissions.
        target.chmod(mode)
        # Nothing is waited for between writes; a server that fails one is found out by the checksum.
        target.set_pipelined(pipelined=True)
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            with checkpoint():
                target.write(chunk)
    return digest.hexdigest()


def _download""", """        # Nothing is waited for between writes; a server that fails one is found out by the checksum.
        target.set_pipelined(pipelined=True)
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            with checkpoint():
                target.write(chunk)
        target.chmod(mode)
    return digest.hexdigest()


def _download""", "NONE (by reading): see unnoticed")
fault("212", "sampling/cells", "experiment/remote_bench.py", "Redis isn't emptied before a cell",
"""                partial(database.flush_cache, self._connection, self._inventory.redis),
""", "", "NONE (by reading): Redis's reads are counted, hit or miss; see unnoticed")
fault("213", "lifecycle", "lab/images/postgres/entrypoint", "PG_VERSION isn't moved last: a first start that was killed counts as done",
"""    # PG_VERSION goes last: with it the cluster counts as made.
    find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$new/PG_VERSION" "$PGDATA/"
""", """    find "$new" -mindepth 1 -maxdepth 1 -exec mv -t "$PGDATA" {} +
""", "tests/e2e/small/test_1_up_and_down.py::test_up_from_nothing_whose_engine_is_killed_is_completed_by_the_next, if the kill falls into that moment: next to never")
fault("214", "lifecycle: variants", "provision/host/variants.py", "a variant's container comes back by itself after a reboot, and takes the declared one's port",
"""    host |= {"CpusetCpus": one["cpus"], "RestartPolicy": {"Name": "no"}}
""", """    host |= {"CpusetCpus": one["cpus"]}
""", "tests/ssh/test_variants.py::test_a_container_is_as_the_declared_one_but_for_what_its_variant_has")
fault("215", "secrets", "provision/database.py", "Redis's password is an argument of redis-cli",
"""_FLUSH = f'{REDIS_LOGIN}; exec redis-cli -e -h 127.0.0.1 -p "$1" FLUSHALL SYNC'""",
"""_FLUSH = f'{REDIS_LOGIN}; exec redis-cli -e -a "$REDISCLI_AUTH" -h 127.0.0.1 -p "$1" FLUSHALL SYNC'""",
"tests/ssh/test_services.py::test_flushing_empties_redis_and_shows_its_password_to_no_process_list, tests/e2e/test_secrets.py::test_no_command_line_holds_a_secret_while_a_run_goes_on")
fault("216", "lifecycle", "lab/api.py", "an API listens on every address of the host",
'            "HOST": listen_address,\n', '            "HOST": "0.0.0.0",\n', "tests/e2e/test_lifecycle.py::test_everything_listens_on_loopback_alone")
fault("217", "lifecycle", "lab/lifecycle/reconciliation.py", "a host that another lab claimed meanwhile is taken for this lab's",
"    return changes is not None and changes.held and changes.lab == state.lab\n", "    return changes is not None and changes.held\n", "NONE (by reading): see unnoticed")
fault("218", "lifecycle", "provision/seeding.py", "a seeding that is interrupted counts as done: the hash is written before the seed is loaded",
"""    script = schema_sql.encode() + b"\\n" + seed_sql_path.read_bytes()
    run_sql(connection, postgres, seed_database(postgres), script, deadline_seconds=_LOAD_SECONDS)
    run_sql(connection, postgres, seed_database(postgres), _SETTLE, deadline_seconds=_LOAD_SECONDS)
    reset_database(connection, postgres)
    comment = f"COMMENT ON DATABASE :\\"seed\\" IS '{contract_sha256}';\\n"
    run_sql(connection, postgres, "postgres", comment, deadline_seconds=_DEADLINE_SECONDS)
""", """    comment = f"COMMENT ON DATABASE :\\"seed\\" IS '{contract_sha256}';\\n"
    run_sql(connection, postgres, "postgres", comment, deadline_seconds=_DEADLINE_SECONDS)
    script = schema_sql.encode() + b"\\n" + seed_sql_path.read_bytes()
    run_sql(connection, postgres, seed_database(postgres), script, deadline_seconds=_LOAD_SECONDS)
    run_sql(connection, postgres, seed_database(postgres), _SETTLE, deadline_seconds=_LOAD_SECONDS)
    reset_database(connection, postgres)
""", "tests/ssh/test_services.py::test_a_seeding_that_was_interrupted_is_done_again_with_a_changed_contract")
fault("219", "lifecycle: claim", "provision/claim.py", "a user who was put into the engine's group stays in it where images are kept",
"""    _undo_access(connection, changes)
    if keep_images:
        _empty_folder(connection)
""", """    if not keep_images:
        _undo_access(connection, changes)
    if keep_images:
        _empty_folder(connection)
""", "tests/ssh/test_claim_journal.py::test_nobody_stays_in_the_engine_s_group_while_images_are_kept_or_in_silence")
fault("220", "pinning", "experiment/remote_bench.py", "after a run the host's own work stays on the system's CPUs",
"""            pinning.release(self._connection, self._inventory.size.cpus)
""", "", "tests/e2e/test_pinning.py::test_after_a_run_the_hosts_own_work_has_all_cpus_again")
