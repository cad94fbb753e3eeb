"""`crmml demo`: the synthetic bank made, everything run on it, and the result judged by its known truth."""

from crmml.demo.run import make_bank, run_demo

__all__ = ["make_bank", "run_demo"]
