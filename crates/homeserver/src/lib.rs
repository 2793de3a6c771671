//! Our side of Matrix: appservice endpoints, registration, a client that speaks as bot or ghost.
