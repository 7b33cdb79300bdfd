import time

import jwt

from experiment.workloads.requests import token_file

SECRET = "a secret of thirty-two bytes and more"


def test_each_line_is_a_user_and_a_token_as_the_contract_has_it():
    before = int(time.time())
    lines = token_file(SECRET, (1, 42, 1_000), lifetime_seconds=900).decode().splitlines()
    after = time.time()
    assert [line.split(" ")[0] for line in lines] == ["1", "42", "1000"]
    for line in lines:
        user, token = line.split(" ")
        assert jwt.get_unverified_header(token)["alg"] == "HS256"
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="fairground-api", issuer="fairground")
        assert claims["sub"] == user
        assert claims["name"] == f"user_{int(user):04d}"
        assert claims["exp"] - claims["iat"] == 900
        assert before <= claims["iat"] <= after


def test_no_user_needs_a_token_where_none_signs_in():
    assert token_file(SECRET, (), lifetime_seconds=900) == b""
