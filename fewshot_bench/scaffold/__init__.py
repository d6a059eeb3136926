"""A plugin to begin with: a whole distribution, written from templates that are plain text."""
