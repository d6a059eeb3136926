"""Fashion-MNIST, and what a data set adapter of a third party looks like."""
