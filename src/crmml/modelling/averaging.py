"""Several boosters made one: the mean of their raw scores as a single LightGBM text.

Boosters that differ in their seed alone err in different places, and their mean
errs less. A raw score is a sum over trees, so the mean of k boosters is the
booster of all their trees with leaves divided by k: one text is served, and its
contributions are the means of theirs, as exact as those of one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crmml.bundle.booster import canonical_text, lgb

_TREE = re.compile(r"^Tree=\d+$", re.MULTILINE)
_END = "end of trees"
_SCALED = re.compile(r"^(leaf_value|internal_value|shrinkage)=(.+)$", re.MULTILINE)


def average(texts: Sequence[str]) -> str:
    """The text of the booster whose raw score is the mean of those of `texts`.

    All were grown on the same columns for the same objective; head and
    parameters are those of the first.

    Raises
    ------
    ValueError
        If there is none, or their columns or objectives differ.
    """
    if len(texts) == 1:
        return texts[0]
    heads, bodies, tails = zip(*(_split(text) for text in texts), strict=True)
    if len({_meaning(head) for head in heads}) != 1:
        raise ValueError(f"{len(texts)} boosters differ in columns or objective; expected those of one training table")
    trees = [_scaled(tree, len(texts)) for body in bodies for tree in body]
    numbered = [f"Tree={number}\n{tree}" for number, tree in enumerate(trees)]
    sizes = " ".join(str(len(tree.encode())) for tree in numbered)
    head = re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", heads[0], flags=re.MULTILINE)
    # Read and written by LightGBM once, so that what is derived from the trees (importances) is that of all of them.
    return canonical_text(lgb.Booster(model_str=head + "".join(numbered) + tails[0]))


def _split(text: str) -> tuple[str, list[str], str]:
    """Head, trees without their numbers, and all from the end of the trees on."""
    first, end = _TREE.search(text), text.index(_END)
    if first is None:
        raise ValueError("a booster without trees; expected at least one")
    trees = [tree.removeprefix("\n") for tree in _TREE.split(text[first.start() : end])[1:]]
    return text[: first.start()], trees, text[end:]


def _meaning(head: str) -> str:
    """The head without what differs between boosters grown alike: the sizes of their trees."""
    return re.sub(r"^tree_sizes=.*$", "", head, flags=re.MULTILINE)


def _scaled(tree: str, count: int) -> str:
    def divide(match: re.Match[str]) -> str:
        return f"{match[1]}=" + " ".join(repr(float(value) / count) for value in match[2].split())

    return _SCALED.sub(divide, tree)
