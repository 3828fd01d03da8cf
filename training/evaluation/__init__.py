"""What came of it: test sets, scores, tables, and the model card."""
