"""Transactional outbox: what becomes of each stored commit, in order and at least once."""
