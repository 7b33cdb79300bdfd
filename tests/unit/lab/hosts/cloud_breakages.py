"""What breaks a rule of every cloud in whatever is declared at one: in user data, in SSH's files, in what is told."""

from tests.unit.lab.hosts.cloud_rules import (
    NOTHING,
    Break,
    Rule,
    another_size_is_another_machine,
    change,
    give,
    known_hosts_pins_that_key_at_every_address,
    machines_are_equal,
    metadata_service_is_closed_after_boot,
    no_secret_is_in_plain_sight,
    option,
    root_logs_in_by_the_labs_key_alone,
    tell,
    the_bill_is_on_record,
    the_lab_is_told_of_each_machine,
    the_pinned_host_key_is_the_one_that_is_installed,
    user_data_is_secret,
)
from tests.unit.lab.hosts.mocked_cloud import USER_PUBLIC_KEY

BREAKAGES_OF_EVERY_CLOUD: list[tuple[Rule, Break]] = [
    (user_data_is_secret, option("host", secrets=NOTHING)),
    (user_data_is_secret, option("load-host-1", secret_outputs=NOTHING)),
    (no_secret_is_in_plain_sight, option("ssh-files", secrets=NOTHING)),
    (the_pinned_host_key_is_the_one_that_is_installed, tell("host", "ed25519_private", "rsa_private")),
    (the_pinned_host_key_is_the_one_that_is_installed, tell("host", "ed25519_public", "rsa_public")),
    (
        the_pinned_host_key_is_the_one_that_is_installed,
        tell("load-host-1", "ssh_deletekeys: true", "ssh_deletekeys: false"),
    ),
    (known_hosts_pins_that_key_at_every_address, change("ssh-files", "known_hosts", "")),
    (known_hosts_pins_that_key_at_every_address, change("ssh-files", "private_key", "another")),
    (known_hosts_pins_that_key_at_every_address, give(loads=())),
    (root_logs_in_by_the_labs_key_alone, tell("host", "ssh_pwauth: false", "ssh_pwauth: true")),
    (root_logs_in_by_the_labs_key_alone, tell("host", "disable_root: false", "disable_root: true")),
    (root_logs_in_by_the_labs_key_alone, tell("host", "users: []", "users: [default]")),
    (root_logs_in_by_the_labs_key_alone, tell("host", USER_PUBLIC_KEY, "ssh-ed25519 AAAA")),
    (root_logs_in_by_the_labs_key_alone, tell("host", "PasswordAuthentication no", "")),
    (root_logs_in_by_the_labs_key_alone, tell("load-host-1", "users: []", "users: [default]")),
    (root_logs_in_by_the_labs_key_alone, change("user-key", "publicKey", "ssh-ed25519 AAAA")),
    (
        metadata_service_is_closed_after_boot,
        tell("host", "disable_ec2_metadata: true", "disable_ec2_metadata: false"),
    ),
    (machines_are_equal, tell("load-host-1", "MaxSessions 100", "MaxSessions 10")),
    (another_size_is_another_machine, option("host", made_anew_for=NOTHING)),
    (the_lab_is_told_of_each_machine, give(machine="load-host-1")),
    (the_lab_is_told_of_each_machine, give(loads=())),
    (the_bill_is_on_record, change("cloud-host", "bill", "del")),
]
