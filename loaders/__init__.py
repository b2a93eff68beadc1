"""From a department's file to the graph: readers, contracts, resolve, fold, and the loading run."""
