//! Who is calling: a token in one of three places.

use http::header::{self, HeaderName};

use crate::answer::Request;
use crate::ids::UserId;
use crate::world::{Refusal, World};

pub(super) struct Caller {
    pub(super) user: UserId,
    pub(super) client: String,
}

/// The person behind the token. An `Authorization` that is not two words, or two different tokens: 400. No token or an
/// unknown one: 401. Other schemes than `Bearer` are passed over.
pub(super) fn caller(world: &World, request: &Request) -> Result<Caller, Refusal> {
    let mut tokens: Vec<&str> = Vec::new();
    if let Some(value) = request.header(header::AUTHORIZATION) {
        let words: Vec<&str> = value.split_whitespace().collect();
        let &[scheme, token] = words.as_slice() else {
            return Err(Refusal::BadRequest);
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            tokens.push(token);
        }
    }
    tokens.extend(request.header(HeaderName::from_static("x-access-token")));
    tokens.extend(request.query("access_token"));
    tokens.dedup();
    match tokens.as_slice() {
        [] => Err(Refusal::Unauthorised),
        [token] => {
            let token = world.tokens.get(*token).ok_or(Refusal::Unauthorised)?;
            Ok(Caller {
                user: token.user,
                client: token.client.clone(),
            })
        }
        _ => Err(Refusal::BadRequest),
    }
}
