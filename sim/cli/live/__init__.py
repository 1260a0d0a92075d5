"""The live page: one scenario on a page of this machine, whose sliders are answered while they are moved.

`world` knows the document and what a page may change in it, `work` simulates, `data` says what a page is told, and
`server` hands it out.
"""
