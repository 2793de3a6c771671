//! What the bridge relies on, as checks that any network can be run through in its own tests.
