"""What a machine is asked to do at its first boot."""

import yaml

from provision.system.preparation import SSHD_DROP_IN
from tests.unit.lab.hosts.recorded import USER_DATA


def test_it_is_taken_for_a_cloud_config_and_fits_into_the_smallest_room_for_user_data():
    assert USER_DATA.splitlines()[0] == "#cloud-config"
    assert len(USER_DATA.encode()) < 16 * 1024  # Amazon's limit; Hetzner's is 32 KiB


def test_its_settings_of_sshd_come_first_and_are_not_overwritten_by_raised_limits():
    [file] = yaml.safe_load(USER_DATA)["write_files"]
    assert file["path"] < SSHD_DROP_IN
