"""Rich text: each reader, each writer, and what holds for all of them."""
