//! A Gitter-compatible server in memory, for the demo and for tests.
