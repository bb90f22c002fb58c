"""An OpenSearch that runs on the laptop: a real node where one has been fetched, a small stand-in elsewhere.

`make opensearch` fetches the node. The stand-in answers what Sluice asks as the node would, and refuses the
rest by name. See docs/local-opensearch.md.
"""
