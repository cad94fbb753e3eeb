"""Pages people open: one customer explained, one model version reported. Offline, in Chinese and English."""

from crmml.reporting.customer_page import Customer, Reason, Served, customer_page, served_from
from crmml.reporting.model_report import Subject, sample_rows

__all__ = ["Customer", "Reason", "Served", "Subject", "customer_page", "sample_rows", "served_from"]
