"""Automated learners beside crmml: the same rows, columns and folds, their predictions saved and compared in pairs.

FLAML and AutoGluon live in an environment of their own (`make peers` builds it from `constraints.txt` here); crmml never
imports them. Rows go over to it and predictions come back as Parquet files.
"""
