"""What holds for all tests: passwords are hashed at the lowest price (test_proofs.py looks at the real one)."""

from argon2 import PasswordHasher

from contact_centre.console import passwords

passwords._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)  # type: ignore[misc]
