"""The contract of plugins: methods, data sets and their parameters; the registry finds the installed ones."""
