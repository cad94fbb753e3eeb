"""Concept groups, reasons and their sentences: numbers and words only."""

from crmml.explain.groups import concept_order, sum_by_concept, sum_columns, top_groups
from crmml.explain.money import COMPONENTS, find_money_reasons, signed_components, write_money_sentences
from crmml.explain.reasons import TOLERANCE, Reasons, check_sums, code_of, find_reasons
from crmml.explain.sentences import REST, Voice, component_sentence, sentence, write_sentences
from crmml.explain.wording import amount, factor, number, probability, signed

__all__ = [
    "COMPONENTS",
    "REST",
    "TOLERANCE",
    "Reasons",
    "Voice",
    "amount",
    "check_sums",
    "code_of",
    "component_sentence",
    "concept_order",
    "factor",
    "find_money_reasons",
    "find_reasons",
    "number",
    "probability",
    "sentence",
    "signed",
    "signed_components",
    "sum_by_concept",
    "sum_columns",
    "top_groups",
    "write_money_sentences",
    "write_sentences",
]
