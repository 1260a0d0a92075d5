"""From a log to a line: what came, who gave up, what work was, who was there, and whether a line drawn so is alike."""
