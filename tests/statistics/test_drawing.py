import numpy as np
import pytest

from tasks.statistics.drawing import monte_carlo_error


def test_two_scores_worked_by_hand():
    """Errors 3 and 4 leave sqrt(9 + 16) / 2 in the mean of two."""
    assert monte_carlo_error(np.array([[3.0, 4.0]]), np.array([[True, True]])) == 2.5


def test_scores_without_an_error_make_the_mean_surer_and_unscored_units_count_nowhere():
    errors = np.array([[3.0, np.nan, 9.0], [4.0, np.nan, np.nan]])
    scored = np.array([[True, True, False], [True, True, False]])
    assert monte_carlo_error(errors, scored) == 5 / 4


def test_a_metric_that_draws_nothing_has_no_such_error():
    assert np.isnan(monte_carlo_error(np.full((2, 3), np.nan), np.full((2, 3), True)))


def test_it_is_the_spread_of_the_mean_when_everything_is_drawn_again():
    """Three units with scores of 8, 32 and 128 draws: repeated 20000 times, the overall mean spreads so."""
    generator, draws = np.random.default_rng(0), np.array([8, 32, 128])
    means = generator.normal(size=(20_000, 3)) / np.sqrt(draws)
    said = monte_carlo_error(1 / np.sqrt(draws)[None], np.full((1, 3), True))
    assert said == pytest.approx(means.mean(axis=1).std(), rel=0.02)
