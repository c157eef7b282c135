"""The documents of analytics and the queries on them: one module per question."""
