"""One question per file: its Cypher, its parameters, its result."""
