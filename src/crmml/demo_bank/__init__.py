"""A synthetic rural commercial bank with known truth. Only `judge` reads the truth."""

from crmml.demo_bank.generate import generate

__all__ = ["generate"]
