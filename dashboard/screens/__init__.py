"""The screens. Each is one file, or a folder whose `page.py` draws and whose other files compute."""
