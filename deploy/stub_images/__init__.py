"""Stand-in images of Kafka, MongoDB and Python, for machines whose Docker engine can pull none."""
