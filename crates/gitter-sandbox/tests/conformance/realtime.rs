//! The recorded Bayeux sessions.
