//! Real parts for tests and the demo: Synapse in a venv, PostgreSQL on a socket, a Matrix user, a browser.
