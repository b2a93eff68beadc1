"""Addresses: the code scheme, and later the gazetteer, the parser and the resolver."""

from addresses.scheme import Code, Scheme, load_scheme

__all__ = ["Code", "Scheme", "load_scheme"]
