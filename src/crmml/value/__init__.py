"""What a bank reads from its ledger: who brings what, what deposits hide, what could be, what moves it, what comes next."""

from crmml.value.spec import PotentialSpec, ShockSpec, ValueSpec

__all__ = ["PotentialSpec", "ShockSpec", "ValueSpec"]
