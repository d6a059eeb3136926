"""Prototypical networks after Snell, Swersky, Zemel: Prototypical networks for few-shot learning, 2017."""
