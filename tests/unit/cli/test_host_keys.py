"""The key of a host that exists is shown before anybody is asked about it, and pinned by a yes alone."""

from pathlib import Path

import pytest

from cli.up import confirm_host_keys
from documents.errors import HostKeyError
from documents.lab import JumpHost
from documents.stack import SshHost
from documents.stack.stack import Stack
from lab.hosts.ssh import confirmed_key
from provision.ssh.login import fingerprint
from tests.unit.documents.samples import EXAMPLES

[CONTAINER_STACK] = [example for example in EXAMPLES if isinstance(example, Stack)]

JUMP_HOST = JumpHost(address="gate.example", port=2200)
HOST = SshHost(kind="ssh", address="bench.example", jump_host=JUMP_HOST)
KEYS = {"gate.example": "ssh-ed25519 AAAAgate", "bench.example": "ssh-ed25519 AAAAbenc"}


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_for_key(_document: SshHost, _folder: Path, target: SshHost | JumpHost) -> str:
        return KEYS[target.address]

    monkeypatch.setattr("lab.lifecycle.ask_for_key", ask_for_key)


def stack(host: SshHost = HOST) -> Stack:
    return CONTAINER_STACK.model_copy(update={"name": "bench", "host": host})


def test_each_key_is_shown_before_the_question_and_pinned_after_its_yes(tmp_path: Path):
    said: list[str] = []

    def ask(question: str) -> bool:
        said.append(question)
        return True

    confirm_host_keys(stack(), tmp_path, ask=ask, show=said.append)
    for address, port in (("gate.example", 2200), ("bench.example", 22)):
        shown, how, question, *said = said
        assert shown == f"{address}, port {port}, shows the key {fingerprint(KEYS[address])} (ssh-ed25519)."
        assert "ssh-keygen -lf" in how
        assert question == "Is it the same?"
        assert confirmed_key(tmp_path, address, port) == KEYS[address]
    assert said == []
    confirm_host_keys(stack(), tmp_path, ask=None, show=said.append)
    assert said == []


def test_after_a_no_nothing_is_pinned(tmp_path: Path):
    with pytest.raises(HostKeyError, match=r"^The key of gate\.example, port 2200, wasn't confirmed"):
        confirm_host_keys(stack(), tmp_path, ask=lambda _: False, show=lambda _: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "place"),
    [
        (HOST, "host.jump_host.host_key: ssh-ed25519 AAAAgate"),
        (HOST.model_copy(update={"jump_host": None}), "host.host_key: ssh-ed25519 AAAAbenc"),
    ],
)
def test_where_nobody_can_be_asked_it_says_which_key_of_the_document_it_is_for(
    tmp_path: Path, host: SshHost, place: str
):
    with pytest.raises(HostKeyError) as refusal:
        confirm_host_keys(stack(host), tmp_path, ask=None, show=lambda _: None)
    assert str(refusal.value).endswith(f"write it into stacks/bench.yaml as {place}")
    assert list(tmp_path.iterdir()) == []
