"""From a bank's own files to the canonical tables, checked at the door."""
