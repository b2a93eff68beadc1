"""Neo4j: the engine it runs in, the store that talks to it, and the Cypher that asks it."""
