"""The subcommands of `quanxi`, a module for each group of them."""
