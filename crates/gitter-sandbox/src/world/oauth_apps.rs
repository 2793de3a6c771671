//! OAuth clients ("apps") and the tokens people gave them.

use super::{Refusal, World};
use crate::ids::{ObjectId, UserId};

/// A registered OAuth client.
#[derive(Clone, Debug)]
pub(crate) struct OAuthApp {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
    /// No consent page.
    pub(crate) trusted: bool,
    /// May post for people of other networks (`virtualUser`).
    pub(crate) virtual_users: bool,
    pub(crate) owner: Option<UserId>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) user: UserId,
    /// Key of the client.
    pub(crate) client: String,
}

/// Key of the client behind personal access tokens.
pub(crate) const PERSONAL: &str = "developer-personal-tokens";

impl World {
    pub(crate) fn add_personal_app(&mut self) {
        let app = OAuthApp {
            id: self.new_id(),
            name: "Gitter Developer".to_owned(),
            key: PERSONAL.to_owned(),
            secret: self.secret(40),
            redirect_uri: String::new(),
            trusted: true,
            virtual_users: false,
            owner: None,
        };
        self.apps.push(app);
    }

    pub(crate) fn app(&self, key: &str) -> Option<&OAuthApp> {
        self.apps.iter().find(|app| app.key == key)
    }

    /// The token of a person for a client: one per pair, made when first asked for.
    pub(crate) fn token_for(&mut self, user: UserId, client: &str) -> Result<String, Refusal> {
        self.user(user)?;
        self.app(client).ok_or(Refusal::NotFound)?;
        let known = self
            .tokens
            .iter()
            .find(|(_, token)| token.user == user && token.client == client)
            .map(|(text, _)| text.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let text = self.secret(40);
        self.tokens.insert(
            text.clone(),
            Token {
                user,
                client: client.to_owned(),
            },
        );
        Ok(text)
    }
}

impl World {
    /// Makes a token worthless. Its realtime clients are cut off, before they hear why (recorded session
    /// `ws_token_revoked`).
    pub(crate) fn revoke_token(&mut self, text: &str) -> Result<(), Refusal> {
        self.tokens.remove(text).ok_or(Refusal::NotFound)?;
        self.outbox.push(super::Announcement::Revoke {
            token: text.to_owned(),
        });
        Ok(())
    }
}

impl World {
    pub(crate) fn register_app(
        &mut self,
        name: &str,
        redirect_uri: &str,
        owner: Option<UserId>,
    ) -> OAuthApp {
        let app = OAuthApp {
            id: self.new_id(),
            name: name.to_owned(),
            key: self.secret(40),
            secret: self.secret(40),
            redirect_uri: redirect_uri.to_owned(),
            trusted: false,
            virtual_users: false,
            owner,
        };
        self.apps.push(app.clone());
        app
    }

    /// Deletes a client; its tokens die with it.
    pub(crate) fn remove_app(&mut self, key: &str) -> Result<(), Refusal> {
        self.app(key).ok_or(Refusal::NotFound)?;
        self.apps.retain(|app| app.key != key);
        let of_it = |token: &Token| token.client == key;
        let dead: Vec<String> = self
            .tokens
            .iter()
            .filter(|(_, token)| of_it(token))
            .map(|(text, _)| text.clone())
            .collect();
        dead.iter().try_for_each(|token| self.revoke_token(token))
    }
}
