"""The seed is the same octets everywhere, and is what its functions say."""

import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import argon2
import pytest

from apis.contract.seed import (
    POST_COUNT,
    SEED_SHA256,
    USER_COUNT,
    author_of,
    post_ids,
    script,
    seeded_post,
    seeded_user,
    user_ids,
    write_seed,
)
from documents.errors import ContractError


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seed") / "seed.sql"
    write_seed(path)
    return path


def test_octets_are_those_recorded(seed: Path, tmp_path: Path):
    write_seed(tmp_path / "again.sql")
    [again] = tmp_path.iterdir()
    assert hashlib.sha256(seed.read_bytes()).hexdigest() == SEED_SHA256
    assert again.read_bytes() == seed.read_bytes()


@pytest.mark.nightly
def test_another_content_than_the_recorded_one_is_refused_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(script, "SEED_SHA256", "0" * 64)
    with pytest.raises(ContractError, match="instead of the recorded 0000"):
        write_seed(tmp_path / "seed.sql")
    assert list(tmp_path.iterdir()) == []


def test_stored_hashes_verify_with_the_described_password_and_have_the_parameters(seed: Path):
    rows = [line.split("\t") for line in seed.read_text(encoding="utf-8").split("\n") if "\t$argon2id$" in line]
    hasher = argon2.PasswordHasher()
    assert (len(rows), len({row[3] for row in rows})) == (USER_COUNT, 8)
    for user_id in range(1, 9):
        stored = rows[user_id - 1][3]
        parameters = argon2.extract_parameters(stored)
        assert (parameters.type, parameters.version) == (argon2.Type.ID, 19)
        assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)
        assert (parameters.salt_len, parameters.hash_len) == (16, 32)
        assert hasher.verify(stored, seeded_user(user_id).password)


def test_bodies_have_200_to_4000_characters_spread_evenly():
    lengths = [len(seeded_post(post_id).body) for post_id in post_ids()]
    assert (min(lengths), max(lengths)) == (200, 4_000)
    assert 2_050 < sum(lengths) / len(lengths) < 2_150


def test_contents_keep_the_bounds_of_the_api_and_need_escapes_and_utf_8():
    posts = [seeded_post(post_id) for post_id in post_ids()]
    assert all(1 <= len(post.title) <= 200 for post in posts)
    text = "".join(post.body for post in posts)
    assert all(character in text for character in 'éü"\n')
    passwords = {seeded_user(user_id).password for user_id in user_ids()}
    assert all(8 <= len(password.encode()) <= 72 for password in passwords)


def test_each_user_owns_ten_posts_and_neighbours_have_different_authors():
    authors = [author_of(post_id) for post_id in post_ids()]
    assert set(Counter(authors).values()) == {POST_COUNT // USER_COUNT}
    assert set(authors) == set(user_ids())
    assert all(first != second for first, second in pairwise(authors))
    assert all(seeded_post(post_id).author_id == author_of(post_id) for post_id in (1, 5_000, 10_000))


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_what_is_not_seeded_is_not_described(number: int):
    for describe in (seeded_user, seeded_post, author_of):
        with pytest.raises(ValueError, match="are seeded; there is no"):
            describe(number)
