"""The management API: its endpoints, what they take and answer, and the document that describes them."""
