"""What `lab run --budget` says before it begins."""

import io

from rich.console import Console

from cli.progress import under_way
from cli.run_progress import RunProgress, budget_lines
from experiment.progress.events import BudgetFitted, Resolution, ShownSame

FITTED = BudgetFitted(
    budget_seconds=7200,
    blocks=12,
    block_cells=15,
    block_seconds=570.0,
    open_loop_seconds=0.0,
    overhead_run=None,
    noise_run=None,
    tests=18,
    margin=0.03,
    resolutions=(
        Resolution(noise=0.03, power=0.8, ratio=1.0451),
        Resolution(noise=0.03, power=0.9, ratio=1.0512),
        Resolution(noise=0.1, power=0.8, ratio=None),
        Resolution(noise=0.1, power=0.9, ratio=None),
    ),
    shown_same=(ShownSame(noise=0.03, share=0.876), ShownSame(noise=0.1, share=0.0)),
)


def test_it_says_how_many_blocks_fit_and_what_they_find_by_noise():
    fits, quiet, noisy = budget_lines(FITTED)
    assert fits == "A budget of 2h fits 12 blocks of 15 cells, each block in 10m at most (set-up as assumed)."
    assert quiet == (
        "With a noise of 3.0%, 80% of runs find a ratio of 1.045 or more and 90% of runs find a ratio of "
        "1.051 or more. Two equal APIs are shown to be the same within 3% in 88% of runs."
    )
    assert noisy == (
        "With a noise of 10.0%, runs find no ratio below 100. "
        "Two equal APIs are shown to be the same within 3% in 0% of runs."
    )


def test_for_a_single_api_there_is_nothing_to_resolve():
    alone = FITTED.model_copy(update={"tests": 0, "resolutions": (), "shown_same": ()})
    _, said = budget_lines(alone)
    assert said == "With a single API there is no verdict; its A/A twin shows the host's noise."


def test_it_names_the_run_that_it_knows_the_noise_from():
    first_noise = {"resolutions": FITTED.resolutions[:1], "shown_same": FITTED.shown_same[:1]}
    known = FITTED.model_copy(update={"overhead_run": "a", "noise_run": "b", **first_noise})
    first, second = budget_lines(known)
    assert first.endswith("(set-up as in the run a).")
    assert second.startswith("With a noise of 3.0% (as in the run b), 80% of runs find a ratio of 1.045 or more. ")


def test_it_is_shown_above_the_run():
    output = io.StringIO()
    console = Console(file=output, width=200)
    with under_way(console, "starting") as doing:
        RunProgress(console, doing)(FITTED)
    for line in budget_lines(FITTED):
        assert line in output.getvalue()
