//! A client library for the API of Gitter: REST, Bayeux realtime, OAuth.
