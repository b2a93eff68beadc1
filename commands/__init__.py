"""Groups of commands of `quanxi`, each a typer app that `cli.py` mounts."""
