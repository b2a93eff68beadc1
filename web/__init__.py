"""What browsers and probes are served: GraphQL over HTTP, GraphiQL, the start page, metrics, files."""
