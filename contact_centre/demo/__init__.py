"""A city in a box: real Asterisk, citizens, phones and the service, for demo, tests and benchmarks."""
