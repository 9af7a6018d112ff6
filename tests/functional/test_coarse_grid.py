"""The coarse grid against its definition with dense matrices."""

import pytest
import torch
from torch import Tensor

from tasks.functional.coarse_grid import CoarseGrid

STENCIL = torch.tensor([[-1.0, -2.0, -1.0], [-2.0, 12.5, -2.0], [-1.0, -2.0, -1.0]])


def operator_on(unknown: Tensor):
    """Return a positive definite stencil among the unknown pixels, for images of any number of channels."""

    def applied(values: Tensor) -> Tensor:
        planes = values.flatten(0, 1)[:, None]
        moved = torch.nn.functional.conv2d(planes, STENCIL[None, None].to(values), padding=1)
        return unknown * moved.view_as(values)

    return applied


def answer_of(grid: CoarseGrid, residual: Tensor) -> Tensor:
    """Return what is added to a residual, which is added three times to check that it can be."""
    return (grid.helped(residual, times=3.0) - residual) / 3


@pytest.mark.parametrize(("height", "width"), [(16, 16), (13, 18), (5, 31)])
def test_it_answers_with_the_exact_solution_among_images_that_are_constant_in_cells(height, width):
    generator = torch.Generator().manual_seed(0)
    unknown = (torch.rand(2, 1, height, width, generator=generator) < 0.7).double()
    operator = operator_on(unknown)
    grid = CoarseGrid.of(operator, unknown)
    residual = unknown * torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64)
    found = answer_of(grid, residual)
    rows, columns = torch.arange(height) // grid.side, torch.arange(width) // grid.side
    number = (rows[:, None] * (columns.max() + 1) + columns[None]).flatten()
    for image in range(2):
        basis = torch.nn.functional.one_hot(number).T.double() * unknown[image].flatten()
        basis = basis[basis.any(1)]
        applied = torch.stack(
            [operator(one.view(1, 1, height, width).expand(2, 1, -1, -1))[image].flatten() for one in basis]
        )
        exact = basis.T @ torch.linalg.solve(basis @ applied.T, basis @ residual[image].flatten(1).T)
        torch.testing.assert_close(found[image].flatten(1), exact.T, rtol=1e-4, atol=1e-5)


def test_known_pixels_get_no_answer_and_an_image_without_unknown_ones_none_at_all():
    unknown = torch.ones(2, 1, 16, 16)
    unknown[0, :, :9, :7] = 0
    unknown[1] = 0
    grid = CoarseGrid.of(operator_on(unknown), unknown)
    found = answer_of(grid, unknown * torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert (found[0, :, :9, :7] == 0).all()
    assert (found[0, :, 9:] != 0).any()
    assert (found[1] == 0).all()


def test_some_rows_answer_as_they_did_among_all():
    generator = torch.Generator().manual_seed(0)
    unknown = (torch.rand(4, 1, 16, 16, generator=generator) < 0.5).float()
    residual = unknown * torch.randn(4, 3, 16, 16, generator=generator)
    grid, rows = CoarseGrid.of(operator_on(unknown), unknown), torch.tensor([3, 1])
    torch.testing.assert_close(answer_of(grid.of_rows(rows), residual[rows]), answer_of(grid, residual)[rows])


def test_a_matrix_without_an_inverse_leaves_finite_answers():
    """With no pixel known the constants cost nothing: only the ridge keeps the cells apart."""
    unknown = torch.ones(1, 1, 16, 16)
    stencil = operator_on(unknown)
    sums = stencil(torch.ones(1, 1, 16, 16))
    grid = CoarseGrid.of(lambda values: stencil(values) - sums * values, unknown)
    found = answer_of(grid, torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert torch.isfinite(found).all()
