"""Model-agnostic meta-learning after Finn, Abbeel, Levine, ICML 2017: second order, first order, ANIL."""
