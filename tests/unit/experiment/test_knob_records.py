from documents.run.records import KnobRecord
from experiment.running.loop import knobs_after, merge_knobs


def test_a_knob_that_something_else_changes_is_lost():
    records = (
        KnobRecord(name="governor", wanted="performance", before="powersave", during="performance", state="set"),
    )
    held = (KnobRecord(name="governor", wanted="performance", before="ondemand", state="only-read"),)
    after = (KnobRecord(name="governor", wanted="performance", before="powersave", state="only-read"),)
    (found,) = knobs_after(records, held, after)
    assert (found.state, found.after, found.controlled) == ("lost", "powersave", False)
    assert found.message == "something else set it to ondemand during the run"


def test_a_resumed_run_keeps_what_was_before_it_and_the_worse_of_both():
    first = KnobRecord(name="governor", wanted="performance", before="powersave", during="performance", state="set")
    refused = first.model_copy(update={"state": "refused", "during": "powersave", "message": "no"})
    later = first.model_copy(update={"before": "ondemand"})
    assert merge_knobs((), (later,)) == (later,)
    assert merge_knobs((first,), (later,))[0].before == "powersave"
    assert merge_knobs((refused,), (later,))[0].state == "refused"
    assert merge_knobs((first,), (refused,))[0].state == "refused"


def test_a_knob_that_only_the_beginning_of_a_run_knew_stays_as_it_was_left():
    """As where another version of the lab goes on with a run whose cells are all measured."""
    old = KnobRecord(name="old", wanted="1", before="0", during="1", state="set")
    new = KnobRecord(name="new", wanted="1", before="1", state="as-wanted")
    assert knobs_after((old,), (old,), (new,)) == (old,)
