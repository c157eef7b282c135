"""How chat is called: HTTP routes, which make commands and know no rules."""
