"""What a machine is told at its first boot."""

import yaml

from lab.hosts.cloud_init import SSHD_SETTINGS, cloud_config
from tests.unit.lab.hosts.mocked_cloud import HOST_PRIVATE_KEY, HOST_PUBLIC_KEY, USER_PUBLIC_KEY
from toolchain.layout import project_layout

TEXT = cloud_config(host_private_key=HOST_PRIVATE_KEY, host_public_key=HOST_PUBLIC_KEY, user_public_key=USER_PUBLIC_KEY)


def test_keys_arrive_as_they_were_made():
    told = yaml.safe_load(TEXT)
    assert told["ssh_keys"] == {"ed25519_private": HOST_PRIVATE_KEY, "ed25519_public": f"{HOST_PUBLIC_KEY}\n"}
    assert told["ssh_authorized_keys"] == [USER_PUBLIC_KEY]


def test_it_is_taken_for_a_cloud_config_and_fits_into_the_smallest_room_for_user_data():
    assert TEXT.splitlines()[0] == "#cloud-config"
    assert len(TEXT.encode()) < 16 * 1024  # Amazon's limit; Hetzner's is 32 KiB


def test_sshd_is_told_the_same_as_in_a_container():
    container = (project_layout().root / "lab/images/host/sshd_config").read_text()
    assert set(SSHD_SETTINGS.splitlines()) == set(container.splitlines()) - {"PrintMotd no"}
