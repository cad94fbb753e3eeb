"""YAML files onto the small specs that the rooms below own."""

from crmml.config.bank_file import load_bank
from crmml.config.list_file import load_list
from crmml.config.model_file import Model, load_models
from crmml.config.project import BankConfig, load_bank_config, load_config

__all__ = ["BankConfig", "Model", "load_bank", "load_bank_config", "load_config", "load_list", "load_models"]
