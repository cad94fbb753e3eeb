"""What is to be allocated, as arrays: values, limits of rows chosen, a budget, minimum shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Limits:
    """How many rows may, and must, be chosen in each cell: a group of customers by a group of columns.

    Attributes
    ----------
    kind
        What the groups are, such as `manager` or `offer_branch`.
    customers
        Group of each customer, shape (n_customers,); None where all are one group.
    columns
        Group of each column, shape (n_columns,), -1 outside every group; None where all are one group.
    most, least
        Shape (groups of customers, groups of columns); infinite where nothing limits, 0 where nothing is asked for.
    names
        Names of the cells, in the order of the flat shape; empty where nobody asks.
    """

    kind: str
    customers: np.ndarray | None
    columns: np.ndarray | None
    most: np.ndarray
    least: np.ndarray
    names: tuple[str, ...] = ()

    def cells(self, customer: np.ndarray, column: np.ndarray) -> np.ndarray:
        """The flat cell of each row chosen, -1 where it is in none."""
        by_customer = 0 if self.customers is None else self.customers[customer].astype(np.int64)
        by_column = 0 if self.columns is None else self.columns[column].astype(np.int64)
        cell = np.broadcast_to(by_customer * self.most.shape[1] + by_column, customer.shape)
        return cell if self.columns is None else np.where(by_column < 0, -1, cell)

    def counts(self, customer: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Rows chosen by cell, of the shape of `most`."""
        cell = self.cells(customer, column)
        return np.bincount(cell[cell >= 0], minlength=self.most.size).reshape(self.most.shape)


@dataclass(frozen=True)
class Share:
    """A share of the rows chosen that must be members: Σ (member − share) + offset ≥ 0 over the rows chosen.

    `member` has the shape (n_customers,), or (n_columns, n_customers) where it
    depends on the column.
    """

    member: np.ndarray
    share: float
    offset: float = 0.0

    def of_column(self, column: int) -> np.ndarray:
        """Which customers are members when they get this column."""
        return self.member if self.member.ndim == 1 else self.member[column]

    def of(self, customer: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Which rows chosen are members."""
        return self.member[customer] if self.member.ndim == 1 else self.member[column, customer]

    def surplus(self, customer: np.ndarray, column: np.ndarray) -> float:
        """By how much the members exceed their share; negative where they fall short."""
        return float(self.of(customer, column).sum()) - self.share * len(customer) + self.offset


@dataclass(frozen=True)
class Problem:
    """At most one column for each customer, of positive value, within all limits.

    Attributes
    ----------
    value
        Shape (n_columns, n_customers), in currency; -inf where there is no candidate of positive value.
    limits
        Kinds of limits; the kinds of customers' groups alone (manager, branch, total) finest first.
    cost
        Cost of a row by column, shape (n_columns,), in currency.
    budget
        The most all rows may cost.
    shares
        Minimum shares.
    """

    value: np.ndarray
    limits: tuple[Limits, ...]
    cost: np.ndarray
    budget: float = np.inf
    shares: tuple[Share, ...] = ()

    @property
    def columns(self) -> int:
        return len(self.value)

    @property
    def customers(self) -> int:
        return self.value.shape[1]

    @property
    def candidates(self) -> int:
        return int(np.count_nonzero(self.value > -np.inf))

    def worth(self, column: np.ndarray) -> float:
        """The value of an allocation: the column of each customer, -1 for none."""
        served = np.flatnonzero(column >= 0)
        return float(self.value[column[served], served].sum(dtype=float))
