"""The screens: a file each, or a folder where a screen needs more than one file."""
