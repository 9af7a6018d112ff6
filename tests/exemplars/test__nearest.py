import numpy as np
import pytest
import torch

from tasks.exemplars import _nearest
from tasks.exemplars._nearest import Described, NearestSearch


def described(features, slides=None, patients=None):
    count = len(features)
    slides = torch.full((count,), -1) if slides is None else torch.tensor(slides)
    patients = torch.full((count,), -1) if patients is None else torch.tensor(patients)
    return Described(torch.as_tensor(features, dtype=torch.float32), slides, patients)


def search(queries, candidates, count, block=7, classes=None):
    found = NearestSearch(queries, count, 2)
    classes = torch.zeros(len(candidates.features), dtype=torch.int64) if classes is None else classes
    for start in range(0, len(candidates.features), block):
        here = slice(start, start + block)
        part = Described(candidates.features[here], candidates.slides[here], candidates.patients[here])
        found.add(part, classes[here])
    return found


def brute_force(queries, candidates, count):
    """Return the same by comparing all with all at once and sorting, in numpy."""
    q, c = queries.features.double().numpy(), candidates.features.double().numpy()
    q, c = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, c))
    cosines = np.round(q @ c.T, 12)
    same = queries.slides[:, None] == candidates.slides
    same |= queries.patients[:, None] == candidates.patients
    cosines[same.numpy()] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(cosines, order, axis=1)
    return np.where(values == -np.inf, -1, order), np.where(values == -np.inf, np.nan, values), same.numpy()


@pytest.fixture(scope="module")
def cohort():
    generator = torch.Generator().manual_seed(0)
    slides = lambda n: torch.randint(0, 6, (n,), generator=generator).tolist()  # noqa: E731
    of_patient = lambda places: [place // 2 for place in places]  # noqa: E731
    q, c = slides(40), slides(300)
    queries = described(torch.rand(40, 16, generator=generator), q, of_patient(q))
    return queries, described(torch.rand(300, 16, generator=generator), c, of_patient(c))


@pytest.mark.parametrize("block", [1, 7, 64, 300])
def test_it_is_exactly_what_comparing_all_with_all_gives(cohort, block, monkeypatch):
    monkeypatch.setattr(_nearest, "_QUERIES", 16)
    classes = torch.arange(300) % 2
    found = search(*cohort, count=5, block=block, classes=classes)
    places, cosines, barred = brute_force(*cohort, count=5)
    assert found.rows.tolist() == places.tolist()
    np.testing.assert_allclose(found.cosines.numpy(), cosines, rtol=0, atol=1e-11)
    admitted = np.stack([(~barred & (classes.numpy() == k)).sum(1) for k in range(2)], axis=1)
    assert found.admitted.tolist() == admitted.tolist()


def test_no_neighbour_is_of_the_same_slide_or_patient(cohort):
    queries, candidates = cohort
    found = search(queries, candidates, count=5)
    assert (found.rows >= 0).all()
    assert not (candidates.slides[found.rows] == queries.slides[:, None]).any()
    assert not (candidates.patients[found.rows] == queries.patients[:, None]).any()


def test_the_very_same_tile_in_another_slide_of_the_patient_is_left_out():
    """Trap: excluding slides alone shows a patient's next section as evidence."""
    queries = described([[1.0, 0.0]], [0], [0])
    candidates = described([[1.0, 0.0], [1.0, 0.1], [1.0, 0.5]], [1, 0, 2], [0, 0, 1])
    assert search(queries, candidates, count=2).rows.tolist() == [[2, -1]]


def test_a_query_without_candidates_has_none():
    queries = described([[1.0, 0.0], [0.0, 1.0]], [0, 1], [0, 1])
    found = search(queries, described([[1.0, 0.0]], [5], [0]), count=3)
    assert found.rows.tolist() == [[-1, -1, -1], [0, -1, -1]]
    assert found.cosines.isnan().tolist() == [[True] * 3, [False, True, True]]
    assert found.admitted.tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("block", [1, 3, 5, 50])
def test_a_tie_is_the_earlier_candidates(block):
    generator = torch.Generator().manual_seed(1)
    copies = torch.rand(1, 512, generator=generator).repeat(50, 1)
    queries = described(torch.rand(3, 512, generator=generator))
    queries = Described(queries.features, torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    found = search(queries, described(copies), count=4, block=block)
    assert found.rows.tolist() == [[0, 1, 2, 3]] * 3


def test_length_does_not_matter_and_zeros_are_at_right_angles():
    queries = Described(
        torch.tensor([[1e-25, 1e-25], [0.0, 0.0]]), torch.tensor([0, 1]), torch.tensor([0, 1])
    )
    found = search(queries, described([[0.0, 0.0], [3e20, 3e20], [1.0, 0.0]]), count=3)
    assert found.rows.tolist() == [[1, 2, 0], [0, 1, 2]]
    np.testing.assert_allclose(found.cosines, [[1, 0.5**0.5, 0], [0, 0, 0]], atol=1e-7)


def test_a_collapsed_network_is_still_told_apart():
    """Trap: in float32 cosines of 1 - 1e-9 are all 1, and the neighbours would be the first in order."""
    angles = torch.tensor([3e-4, 1e-4, 2e-4])
    found = search(described([[1.0, 0.0]], [0], [0]), described(torch.stack([torch.ones(3), angles], 1)), 3)
    assert found.rows.tolist() == [[1, 2, 0]]
