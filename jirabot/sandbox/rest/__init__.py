"""The REST resources, one module a noun; each is a class over the state and the face, with the routes it serves."""
