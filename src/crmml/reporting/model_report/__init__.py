"""The report of one model version: a file for each part, and the page that joins them."""

from crmml.reporting.model_report.page import model_report
from crmml.reporting.model_report.subject import Subject, sample_rows

__all__ = ["Subject", "model_report", "sample_rows"]
