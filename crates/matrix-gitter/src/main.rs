//! A bridge between Matrix and a user's own Gitter account.

fn main() {}
