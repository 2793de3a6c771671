//! People: oneself, others by name, searching.

use serde_json::{Value, json};

use super::{Call, Route, delete, get};
use crate::answer::Answer;
use crate::world::Refusal;

pub(super) const ROUTES: &[Route] = &[
    get("/user", me_or_search),
    get("/user/:me", me),
    delete("/user/:me", remove_me),
    get("/user/:me/rooms", my_rooms),
    get("/user/:me/groups", my_groups),
    get("/user/:me/orgs", none),
    get("/user/:me/repos", none),
    get("/user/:me/suggestedRooms", none),
    get("/users/:username", profile),
];

fn me_or_search(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    match call.query("q") {
        None => Ok(Answer::ok(&json!([call.world.own_view(call.user)]))),
        Some(text) => Ok(Answer::ok(&search(call, text))),
    }
}

/// People whose name begins with the text. `type=gitter` asks an index, which the recorded server did not have: nobody.
fn search(call: &Call<'_>, text: &str) -> Value {
    let text = text.to_lowercase();
    let mut results = Vec::new();
    if call.query("type") != Some("gitter") {
        let begins = |name: &str| name.to_lowercase().starts_with(&text);
        for user in call
            .world
            .users
            .values()
            .filter(|user| !user.removed && user.id != call.user)
        {
            if begins(&user.username) || begins(&user.display_name) {
                let mut view = call.world.user_view(user.id);
                if let Some(view) = view.as_object_mut() {
                    view.remove("v");
                }
                results.push(view);
            }
        }
    }
    json!({ "results": results })
}

fn me(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&call.world.own_view(call.user)))
}

fn remove_me(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let ghost = call
        .field("ghost")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    call.world.remove_user(call.user, ghost)?;
    Ok(Answer::success())
}

pub(super) fn my_rooms(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&call.world.room_views(call.user)))
}

pub(super) fn my_groups(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let groups = call.world.groups_of(call.user);
    Ok(Answer::ok(
        &groups
            .into_iter()
            .map(|group| call.world.group_view(group))
            .collect(),
    ))
}

/// What only accounts at GitHub have.
fn none(_: &mut Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&json!([])))
}

fn profile(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let user = call
        .world
        .user_named(call.param("username"))
        .ok_or(Refusal::NotFound)?;
    Ok(Answer::ok(&call.world.profile_view(user)))
}
