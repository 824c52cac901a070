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
    """The same with gradients, all sites as wide as the widest.

    The way back carries the right part of the train as the way there carries the left one.
    """

    @staticmethod
    def forward(ctx: Any, cores: Tensor, features: Tensor) -> Tensor:
        n_sites, bond, n_features, _ = cores.shape
        n_rows = features.shape[2]
        flat = cores.reshape(n_sites, bond * n_features, bond).mT.contiguous()
        products = cores.new_empty(n_sites, bond, n_features, n_rows)
        value = cores.new_zeros(bond, n_rows)
        value[0] = 1.0
        for core, x, product in zip(flat, features, products, strict=True):
            torch.mul(value[:, None], x, out=product)
            value = core @ product.view(-1, n_rows)
        ctx.save_for_backward(flat, features, products)
        return value[0].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:
        flat, features, products = ctx.saved_tensors
        n_sites, bond, n_rows = len(flat), flat.shape[1], features.shape[2]
        n_features = features.shape[1]
        in_cores = torch.empty_like(flat) if ctx.needs_input_grad[0] else None
        in_features = torch.empty_like(features) if ctx.needs_input_grad[1] else None
        grad = slope.new_zeros(bond, n_rows)
        grad[0] = slope
        for site in range(n_sites - 1, -1, -1):
            product = products[site]
            if in_cores is not None:
                torch.mm(grad, product.view(-1, n_rows).mT, out=in_cores[site])
            back = (flat[site].mT @ grad).view(bond, n_features, n_rows)
            if in_features is not None:
                # Feature 0 is 1, so that its product is the left vector itself.
                torch.sum(back * product[:, :1], 0, out=in_features[site])
            grad = (back * features[site]).sum(1)
        wide = None if in_cores is None else in_cores.mT.reshape(n_sites, bond, n_features, bond)
        return wide, in_features


def chain(cores: Tensor, features: Tensor) -> Tensor:
    """Return the values `(n_rows,)`, with gradients.

    `cores` is `(n_sites, bond, n_features, bond)` and `features` `(n_sites, n_features,
    n_rows)`, filled up with zeros; feature 0 is 1.
    """
    value: Tensor = _Chain.apply(cores, features)  # type: ignore[no-untyped-call]
    return value
