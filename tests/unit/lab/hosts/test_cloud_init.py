"""What a machine is asked to do at its first boot."""

from lab.hosts.cloud import SSHD_SETTINGS
from tests.unit.lab.hosts.recorded import USER_DATA
from toolchain.layout import project_layout


def test_it_is_taken_for_a_cloud_config_and_fits_into_the_smallest_room_for_user_data():
    assert USER_DATA.splitlines()[0] == "#cloud-config"
    assert len(USER_DATA.encode()) < 16 * 1024  # Amazon's limit; Hetzner's is 32 KiB


def test_sshd_gets_the_same_configuration_as_in_a_container():
    container = (project_layout().root / "lab/images/host/sshd_config").read_text()
    assert set(SSHD_SETTINGS.splitlines()) == set(container.splitlines()) - {"PrintMotd no"}
