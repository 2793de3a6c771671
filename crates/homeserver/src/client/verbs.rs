//! The shapes that most requests have.

use http::Method;
use ruma::RoomId;
use serde_json::Value;

use super::call::{Body, Call, Repeat};
use super::{Client, RequestKind};
use crate::{Actor, Error};

const V3: [&str; 3] = ["_matrix", "client", "v3"];

impl Client {
    /// State as `who` sees it.
    pub(super) async fn state_as(
        &self,
        who: &Actor,
        room: &RoomId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Value>, Error> {
        let path = ["rooms", room.as_str(), "state", kind, key];
        match self.get(RequestKind::State, Some(who), &path, vec![]).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.errcode() == Some("M_NOT_FOUND") => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn bot_get(
        &self,
        kind: RequestKind,
        path: &[&str],
        query: Vec<(&'static str, String)>,
    ) -> Result<Value, Error> {
        self.get(kind, Some(&Actor::Bot), path, query).await
    }

    pub(super) async fn get(
        &self,
        kind: RequestKind,
        who: Option<&Actor>,
        path: &[&str],
        query: Vec<(&'static str, String)>,
    ) -> Result<Value, Error> {
        let call = Call {
            kind,
            method: Method::GET,
            path: &[&V3, path].concat(),
            query,
            body: Body::Nothing,
            repeat: Repeat::Safe,
        };
        self.call(who, call).await
    }

    pub(super) async fn put(
        &self,
        kind: RequestKind,
        who: &Actor,
        path: &[&str],
        query: Vec<(&'static str, String)>,
        body: Value,
    ) -> Result<Value, Error> {
        self.put_unless(Repeat::Safe, kind, who, path, query, body)
            .await
    }

    /// As [`put`](Self::put), and repeated only as this says.
    pub(super) async fn put_unless(
        &self,
        repeat: Repeat,
        kind: RequestKind,
        who: &Actor,
        path: &[&str],
        query: Vec<(&'static str, String)>,
        body: Value,
    ) -> Result<Value, Error> {
        let call = Call {
            kind,
            method: Method::PUT,
            path: &[&V3, path].concat(),
            query,
            body: Body::Json(body),
            repeat,
        };
        self.call(Some(who), call).await
    }

    pub(super) async fn in_room(
        &self,
        kind: RequestKind,
        who: &Actor,
        room: &RoomId,
        verb: &str,
        body: Value,
        repeat: Repeat,
    ) -> Result<(), Error> {
        let call = Call {
            kind,
            method: Method::POST,
            path: &["_matrix", "client", "v3", "rooms", room.as_str(), verb],
            query: vec![],
            body: Body::Json(body),
            repeat,
        };
        self.call(Some(who), call).await.map(drop)
    }
}
