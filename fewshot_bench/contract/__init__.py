"""What a plugin fulfils: methods, data sets, their parameters; and how installed ones are found."""
