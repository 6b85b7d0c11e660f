"""Rich text: Markdown, ADF and wiki markup, read into and written from one syntax tree. Pure.

Callers import the modules: `tree` has the nodes, `markdown`, `adf` and `wiki` each a `parse` and a `render`, `reading`
what a text says, `limits` how it is made to fit.
"""
