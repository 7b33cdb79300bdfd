from pathlib import Path

import pytest

from documents.errors import RunError
from documents.run.protocol import Protocol
from experiment.planning.subjects import protocol_names, read_protocol


def shape(protocol: Protocol) -> list[tuple[str, str, int]]:
    return [(scenario.name, scenario.workload, scenario.connections) for scenario in protocol.scenarios]


def test_the_article_is_the_published_load():
    article = read_protocol("article")
    assert [scenario.duration_seconds for scenario in article.scenarios] == [30, 60, 120]
    assert shape(article) == [("light", "mixed", 10), ("medium", "mixed", 100), ("heavy", "mixed", 500)]
    assert article.blocks >= 10


def test_quick_has_the_same_shape_in_under_a_minute_of_load_for_each_api():
    quick = read_protocol("quick")
    assert shape(quick) == shape(read_protocol("article"))
    assert quick.blocks * sum(scenario.duration_seconds for scenario in quick.scenarios) < 60


def test_the_evidence_is_ten_blocks_and_an_open_loop_with_the_twin_and_the_margin_of_all():
    evidence, ten_blocks = read_protocol("evidence"), read_protocol("ten-blocks")
    assert evidence.model_copy(update={"name": "ten-blocks", "open_loop": None}) == ten_blocks
    assert evidence.open_loop is not None
    assert evidence.open_loop.shares == (0.5, 0.7, 0.9)
    assert (evidence.twin, evidence.margin) == (True, 0.03)


def test_every_protocol_is_named_as_its_file():
    assert protocol_names() == ["article", "evidence", "pool-sizes", "quick", "ten-blocks"]
    assert [read_protocol(name).name for name in protocol_names()] == protocol_names()


def test_a_protocol_of_ones_own_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    text = "version: 1\nname: mine\nblocks: 1\nwarm_up_seconds: 0\nscenarios:\n"
    path.write_text(f"{text}  - {{name: one, workload: login, connections: 4, duration_seconds: 5}}\n")
    assert shape(read_protocol(str(path))) == [("one", "login", 4)]


@pytest.mark.parametrize("name", ["../protocols/quick", "", "Quick"])
def test_a_name_is_no_way_out_of_the_folder(name: str):
    with pytest.raises(RunError, match="no protocol named"):
        read_protocol(name)
