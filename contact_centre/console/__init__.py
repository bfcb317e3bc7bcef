"""What people see in a browser: one folder for each part, and the ground that they stand on.

``routes`` is the one table of pages and actions with who may use each; ``shell`` serves it; ``base`` is the design.
"""
