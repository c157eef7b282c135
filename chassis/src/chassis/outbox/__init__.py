"""Transactional outbox: the relay that handles each stored commit, in order and at least once."""
