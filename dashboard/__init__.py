"""What people see: pages and the API. This floor reads the store; it writes only playback requests.

The only floor that imports streamlit.
"""
