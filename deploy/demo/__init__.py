"""A support floor played over the public API: `make demo`, the end-to-end tests and the benchmarks use it."""
