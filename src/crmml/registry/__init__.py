"""Versions of models, who is champion, and who made it so.

MLflow keeps the versions; an append-only log of promotions decides which of
them is champion, and MLflow's aliases follow it. Loading a champion therefore
needs neither MLflow nor trust in anything but files whose digests agree.

`crmml.registry` is also the loader module of the stored pyfunc models.
"""

from crmml.registry.change import promote, register, rollback
from crmml.registry.lookup import Registered, diff, list_models, log, resolve, show
from crmml.registry.promotions import Promotion, champion_on, read_log
from crmml.registry.served import PyfuncModel, _load_pyfunc

__all__ = [
    "Promotion",
    "PyfuncModel",
    "Registered",
    "_load_pyfunc",
    "champion_on",
    "diff",
    "list_models",
    "log",
    "promote",
    "read_log",
    "register",
    "resolve",
    "rollback",
    "show",
]
