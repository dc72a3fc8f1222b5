"""Bearer keys and what each may do."""
