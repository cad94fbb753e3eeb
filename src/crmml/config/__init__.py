"""YAML files onto the small specs that the rooms below own."""

from crmml.config.bank_file import load_bank
from crmml.config.list_file import load_list
from crmml.config.model_file import Model, load_models
from crmml.config.project import BankConfig, load_bank_config, load_config, load_table_models
from crmml.config.table_file import TableModel, load_table_model

__all__ = [
    "BankConfig",
    "Model",
    "TableModel",
    "load_bank",
    "load_bank_config",
    "load_config",
    "load_list",
    "load_models",
    "load_table_model",
    "load_table_models",
]
