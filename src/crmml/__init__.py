"""Customer value, loyalty and risk from account histories."""
