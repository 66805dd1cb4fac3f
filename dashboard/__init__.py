"""What people see: pages and the API. It reads the store and writes nothing.

The only room that imports streamlit.
"""
