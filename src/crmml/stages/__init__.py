"""Files and config in, files out: the only writer of results."""

from crmml.stages.registering import register, score
from crmml.stages.tables import open_bank

__all__ = ["open_bank", "register", "score"]
