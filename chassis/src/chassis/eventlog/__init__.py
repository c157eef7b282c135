"""Event sourcing: deciders, the log of their commits, and the follower that makes things of them."""
