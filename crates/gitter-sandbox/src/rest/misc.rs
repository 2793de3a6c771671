//! Registering OAuth clients.

use serde_json::{Value, json};

use super::{Call, Route, delete, get, post};
use crate::answer::Answer;
use crate::world::{OAuthApp, Refusal};

pub(super) const ROUTES: &[Route] = &[
    get("/oauth-clients", list),
    post("/oauth-clients", register),
    delete("/oauth-clients/:client", remove),
];

fn view(app: &OAuthApp) -> Value {
    json!({
        "id": app.id.to_string(),
        "name": app.name,
        "tag": app.name.to_lowercase().replace(' ', "-"),
        "clientKey": app.key,
        "clientSecret": app.secret,
        "registeredRedirectUri": app.redirect_uri,
        "ownerUserId": app.owner.map(|owner| owner.to_string()),
        "revoked": false,
    })
}

fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let own = call
        .world
        .apps
        .iter()
        .filter(|app| app.owner == Some(call.user));
    Ok(Answer::ok(&own.map(view).collect()))
}

fn register(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let name = call.text("name").ok_or(Refusal::Internal)?.to_owned();
    if !name.chars().any(char::is_alphanumeric) {
        return Err(Refusal::BadRequest);
    }
    let redirect_uri = call
        .text("registeredRedirectUri")
        .unwrap_or_default()
        .to_owned();
    let app = call
        .world
        .register_app(&name, &redirect_uri, Some(call.user));
    Ok(Answer::ok(&view(&app)))
}

fn remove(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let id = call.param("client");
    let own = |app: &&OAuthApp| app.owner == Some(call.user) && app.id.to_string() == id;
    let key = call
        .world
        .apps
        .iter()
        .find(own)
        .ok_or(Refusal::NotFound)?
        .key
        .clone();
    call.world.remove_app(&key)?;
    Ok(Answer::success())
}
