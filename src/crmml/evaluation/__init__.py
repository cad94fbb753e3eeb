"""How good a model is: numbers only."""
