"""One file a page; each reads like the screen."""
