"""A train multiplied by the features of many rows, site by site.

Row by row the left part of the train is a vector v; a site makes sum_f x_f v C_f of it, f being
the features of its factor. For a batch that is one matrix product of the core with all x_f v.
Feature 0 is the constant 1 of every factor.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class RowKernel:
    """The values of rows without gradients; `cores` `(left, n_features, right)` of each site."""

    def __init__(self, cores: Sequence[Tensor]) -> None:
        self._flat = [c.permute(2, 1, 0).reshape(c.shape[2], -1).contiguous() for c in cores]
        self._bonds = [(c.shape[0], c.shape[1]) for c in cores]
        self._widest = max(left * n for left, n in self._bonds)

    def __call__(self, features: Sequence[Tensor], n_rows: int) -> Tensor:
        """Return the values `(n_rows,)` at features `(n_features, n_rows)` of each site."""
        like = self._flat[0]
        spaces = [like.new_empty(self._widest, n_rows) for _ in range(2)]
        spaces[0][0] = 1.0
        for site, (core, (left, n), x) in enumerate(
            zip(self._flat, self._bonds, features, strict=True)
        ):
            space, after = spaces[site % 2], spaces[(site + 1) % 2]
            if n > 1:
                products = space[left : left * n].view(n - 1, left, n_rows)
                torch.mul(x[1:, None], space[:left], out=products)
            torch.mm(core, space[: left * n], out=after[: len(core)])
        return spaces[len(self._flat) % 2][0].clone()


class _Chain(torch.autograd.Function):
    """The same with gradients, from both ends to the middle at once.

    The way back carries the other part of the train as the way there carries this one.
    """

    @staticmethod
    def forward(ctx: Any, cores: Tensor, features: Tensor) -> Tensor:
        bond, (n_steps, _, n_features, n_rows) = cores.shape[2], features.shape
        products = cores.new_empty(n_steps, 2, n_features, bond, n_rows)
        ends = cores.new_zeros(2, bond, n_rows)
        ends[:, 0] = 1.0
        for core, x, product in zip(cores, features, products, strict=True):
            torch.mul(ends[:, None], x[:, :, None], out=product)
            ends = torch.bmm(core, product.view(2, -1, n_rows))
        ctx.save_for_backward(cores, features, products, ends)
        return (ends[0] * ends[1]).sum(0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:
        cores, features, products, ends = ctx.saved_tensors
        n_steps, _, n_features, n_rows = features.shape
        in_cores = torch.empty_like(cores) if ctx.needs_input_grad[0] else None
        in_features = torch.zeros_like(features) if ctx.needs_input_grad[1] else None
        grad = ends.flip(0) * slope
        # Asked for anew at each step, this memory would cost more than what is done in it.
        back, both = (torch.empty_like(products[0]) for _ in range(2))
        for step in range(n_steps - 1, -1, -1):
            product = products[step]
            if in_cores is not None:
                torch.bmm(grad, product.view(2, -1, n_rows).mT, out=in_cores[step])
            torch.bmm(cores[step].mT, grad, out=back.view(2, -1, n_rows))
            if in_features is not None and n_features > 1:
                # Feature 0 is 1: its product is the vector that came in, and it has no slope.
                torch.mul(back, product[:, :1], out=both)
                in_features[step, :, 1:] = both[:, 1:].sum(2)
            torch.mul(back, features[step][:, :, None], out=both)
            torch.sum(both, 1, out=grad)
        return in_cores, in_features


def chain(cores: Tensor, features: Tensor) -> Tensor:
    """Return the values `(n_rows,)`, with gradients.

    Step k takes the k-th sites from both ends: `cores` is `(n_steps, 2, bond, n_features *
    bond)`, the bond towards the middle first, and `features` `(n_steps, 2, n_features, n_rows)`;
    both are filled up with zeros, and feature 0 is 1.
    """
    value: Tensor = _Chain.apply(cores, features)  # type: ignore[no-untyped-call]
    return value
