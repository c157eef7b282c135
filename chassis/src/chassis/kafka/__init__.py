"""How a service says and hears: publishing, hearing, projecting, dead letters. Imports nothing by itself."""
