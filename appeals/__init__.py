"""The register: appeals, their duties, and the callbacks that the city owes."""
