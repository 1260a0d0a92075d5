"""A folder of results as one page that needs neither a network nor a program, and no script.

The page takes its figures with it. Whatever text it shows came out of files, so all of it is escaped, and the page
forbids its reader's browser to run or to fetch anything.
"""
