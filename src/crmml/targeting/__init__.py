"""From scores to a list of customers to contact, within what branches and managers can do."""
