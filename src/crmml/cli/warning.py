"""`crmml warn`: who is about to leave, as far as managers can care, and who may be won back."""

from __future__ import annotations

from crmml.cli.options import Bank, Cutoff, Form, day_of
from crmml.cli.output import Format, emit, say


def warn(bank: Bank, cutoff: Cutoff = None, form: Form = Format.table) -> None:
    """Early warning in red, amber and watch within the managers' capacity, its back-test, and whom to win back.

    Examples:  crmml warn configs/demo      crmml warn configs/demo --cutoff 2025-08 --format json
    """
    from crmml.stages.warning import warn_bank

    rows, opened = warn_bank(bank, cutoff=day_of(cutoff), say=say)
    emit(rows, form=form, empty="not back-tested: no cut-off after the champion's training has matured")
    for path in opened:
        say(f"open {path}")
