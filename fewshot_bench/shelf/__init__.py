"""What a person with products wants to know: which method to take, which references to mend, why an answer was given."""
