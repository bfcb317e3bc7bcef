"""Coming in and going out: password, second factor, and what people change of their own account."""
