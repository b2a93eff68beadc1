"""The groups of commands of `quanxi`, each an app of its own."""
