"""What touches the world: mail and webhooks. Callers decide what is sent, and when it is sent again."""
