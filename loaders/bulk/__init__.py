"""The first load of an empty graph: claims and fold as columns, written by Neo4j's import tool.

What comes out is what the incremental way comes to, node by node (a test holds them together): what is ordinary is
folded column by column here, and everything that is not (records of several versions, several places of one thing,
overlapping intervals) by `loaders.fold` itself.
"""
