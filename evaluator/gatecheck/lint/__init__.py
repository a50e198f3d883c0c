"""What a sound pack may still say by mistake: one file for each lint, and the review list of the field."""
