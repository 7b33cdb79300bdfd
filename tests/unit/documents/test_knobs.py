from documents.run.records import KnobRecord, describe_control


def test_a_few_words_say_how_far_a_host_is_controlled():
    good = KnobRecord(name="turbo", wanted="off", before="0", state="as-wanted")
    bad = KnobRecord(name="governor", wanted="performance", before=None, state="not-told")
    assert describe_control((good,)) == "controlled"
    assert describe_control((good, bad)) == "partly controlled: governor"
    assert describe_control((bad,)) == "not controlled: governor"
    assert describe_control(()) == "no settings were read"
