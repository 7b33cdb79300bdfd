"""What the strategies call bad is: a registration that were taken would find its email taken the second time."""

import json

import pytest

from tests.differential.model.json_body import REGISTRATION
from tests.differential.strategies.users import BAD_EMAILS, BAD_NAMES, BAD_PASSWORDS


@pytest.mark.parametrize(
    ("member", "text"),
    [
        *(("username", text) for text in BAD_NAMES),
        *(("email", text) for text in BAD_EMAILS),
        *(("password", text) for text in BAD_PASSWORDS),
    ],
)
def test_a_bad_text_breaks_the_rule_of_its_member(member: str, text: bytes):
    value = json.loads(b'"%s"' % text.replace(b"<<nonce>>", b"0123456789"))
    assert REGISTRATION[member](value) is not None
