"""Analytics hears dialogs and ratings, and answers how good the live chat is."""
