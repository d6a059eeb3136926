"""Fine-tuned networks: a pretrained trunk and a linear layer, trained on the support pictures themselves."""
