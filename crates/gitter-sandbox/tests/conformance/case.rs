//! A recorded case: reading it, sending its request, judging the answer.

use std::time::Duration;

use futures_util::stream;
use reqwest::{Client, Method, Response, redirect};
use serde_json::Value;

use crate::compare::differences;
use crate::stage::{Stage, recordings};

/// One line of `rest.jsonl`.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    request: Value,
    response: Value,
}

pub(crate) fn read() -> Vec<Case> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Case {
            name: line["case"].as_str().unwrap().to_owned(),
            request: line["request"].clone(),
            response: line["response"].clone(),
        }
    };
    recordings("rest.jsonl").lines().map(read).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test is the caller, and makes its own client"
)]
pub(crate) fn client() -> Client {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

impl Case {
    /// The texts of the recorded messages.
    pub(crate) fn texts(&self) -> Vec<String> {
        let messages = self.response["json"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What a browser or an earlier request did for this case, which the recording does not tell: it opened a consent page,
    /// got a code, or learnt an `ETag`.
    pub(crate) async fn arrange(&self, stage: &mut Stage, http: &Client) {
        let (path, raw) = (
            self.request["path"].as_str().unwrap(),
            self.request["raw"].as_str().unwrap_or_default(),
        );
        if self.name.starts_with("oauth_") && !stage.names.contains_key("cookie") {
            let cookie = stage.sandbox.world().browser_cookie(stage.user("alice-gh"));
            stage.names.insert("cookie".to_owned(), cookie);
        }
        if let Some((_, transaction)) = raw.split_once("transaction_id=") {
            let transaction = transaction.split('&').next().unwrap();
            if transaction != "nope" {
                let consent_state = if raw.contains("cancel") {
                    "deny-me"
                } else {
                    "st-123"
                };
                let open = stage.open_consent(http, consent_state).await;
                stage.names.insert(transaction.to_owned(), open);
            }
        }
        let code = [raw, path].iter().find_map(|text| {
            text.split_once("code=")
                .or_else(|| text.split_once("\"code\": \""))
        });
        if let Some((_, code)) = code {
            let code = code.split(['&', '"']).next().unwrap();
            if code.len() == 40 && !stage.names.contains_key(code) {
                let fresh = stage.fresh_code(http).await;
                stage.names.insert(code.to_owned(), fresh);
            }
        }
        match self.name.as_str() {
            "msg_edit_590s_old" => {
                stage.say(
                    "6b0310979899fb466689e179",
                    "alice-gh",
                    "quiet",
                    "an old message",
                );
                stage.clock.advance(Duration::from_secs(590));
            }
            "rate_exceeded" => {
                let me = format!("{}/user/me", stage.sandbox.api_url());
                let token = stage.token("carol_gitlab/appToken");
                for _ in 0..99 {
                    http.get(&me).bearer_auth(&token).send().await.unwrap();
                }
            }
            _ => {}
        }
        if let Some(tag) = self.request["headers"]["If-None-Match"].as_str() {
            let me = format!("{}/user/me", stage.sandbox.api_url());
            let answer = http
                .get(me)
                .bearer_auth(stage.token("alice-gh/token"))
                .send()
                .await
                .unwrap();
            stage.names.insert(
                tag.to_owned(),
                answer.headers()["etag"].to_str().unwrap().to_owned(),
            );
        }
    }

    /// Sends the request and says what about the answer is not as recorded. Ids that the answer gives to new things are
    /// remembered.
    pub(crate) async fn play(&self, stage: &mut Stage, http: &Client) -> Vec<String> {
        let answer = self.send(stage, http).await;
        let mut wrong = Vec::new();
        if u64::from(answer.status().as_u16()) != self.response["status"] {
            wrong.push(format!(
                "status {} instead of {}",
                answer.status(),
                self.response["status"]
            ));
        }
        self.judge_headers(stage, &answer, &mut wrong);
        let text = answer.text().await.unwrap();
        let recorded = &self.response["json"];
        if recorded.is_null() {
            self.judge_text(&text, &mut wrong);
            return wrong;
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(given) => {
                self.learn(stage, recorded, &given);
                let recorded = stage.translate(&recorded.to_string());
                let recorded = serde_json::from_str(&recorded).unwrap();
                let given = self.shortened(given, &mut wrong);
                wrong.extend(differences(&recorded, &given));
            }
            Err(error) => wrong.push(format!("no JSON: {error}")),
        }
        wrong
    }

    async fn send(&self, stage: &Stage, http: &Client) -> Response {
        let request = &self.request;
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let path = stage.translate(request["path"].as_str().unwrap());
        // The root of the API's host is below `/api` where there is one host for all.
        let path = if request["host"] == "api" && path == "/" {
            "/api".to_owned()
        } else {
            path
        };
        let base = stage.sandbox.web_url().as_str().trim_end_matches('/');
        let mut sent = http.request(method, format!("{base}{path}"));
        let mut chunked = false;
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            let value = match value.as_str().unwrap() {
                session if session.starts_with("<session") => {
                    stage.sandbox.world().browser_cookie(stage.user("alice-gh"))
                }
                other => stage.translate(other),
            };
            let value = if name == "Cookie" {
                stage.names.get("cookie").cloned().unwrap_or(value)
            } else {
                value
            };
            if name == "Transfer-Encoding" {
                chunked = true;
            } else {
                sent = sent.header(name, value);
            }
        }
        if let Some(json) = request.get("json") {
            sent = sent.body(stage.translate(&json.to_string()));
        } else if let Some(raw) = request.get("raw").and_then(Value::as_str) {
            let raw = stage.translate(raw);
            sent = if chunked {
                let whole: Result<_, std::io::Error> = Ok(raw);
                sent.body(reqwest::Body::wrap_stream(stream::iter([whole])))
            } else {
                sent.body(raw)
            };
        }
        sent.send().await.unwrap()
    }

    fn judge_headers(&self, stage: &mut Stage, answer: &Response, wrong: &mut Vec<String>) {
        let recorded = |name: &str| self.response["headers"].get(name).and_then(Value::as_str);
        let given = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        for name in [
            "Content-Type",
            "Cache-Control",
            "Access-Control-Allow-Origin",
            "Access-Control-Allow-Methods",
        ] {
            // Pages are the sandbox's own, and may be cached differently.
            let own = self.request["host"] == "web" && name == "Cache-Control";
            if !own && recorded(name) != given(name) {
                wrong.push(format!(
                    "{name} {:?} instead of {:?}",
                    given(name),
                    recorded(name)
                ));
            }
        }
        for name in [
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        ] {
            if self.request["host"] == "api"
                && self.response["status"] != 302
                && recorded(name).is_some() != given(name).is_some()
            {
                wrong.push(format!(
                    "{name} {:?} instead of {:?}",
                    given(name),
                    recorded(name)
                ));
            }
        }
        if let (Some(recorded), Some(given)) = (recorded("Location"), given("location")) {
            let code = |location: &str| {
                location
                    .split_once("code=")
                    .map(|(_, rest)| rest.split('&').next().unwrap().to_owned())
            };
            match (code(recorded), code(given)) {
                (Some(old), Some(new)) => {
                    if recorded.replace(&old, &new) != given {
                        wrong.push(format!("Location {given} instead of {recorded}"));
                    }
                    stage.names.insert(old, new);
                }
                _ if recorded == given => {}
                _ => wrong.push(format!("Location {given} instead of {recorded}")),
            }
        } else if recorded("Location").is_some() != given("location").is_some() {
            wrong.push("Location".to_owned());
        }
    }

    /// Pages are the sandbox's own; what Express says of a verb it does not know is not.
    fn judge_text(&self, text: &str, wrong: &mut Vec<String>) {
        let recorded = self.response["text"].as_str().unwrap_or_default();
        if recorded.contains("<pre>Cannot ") {
            // The id in it is another one.
            let verb = |page: &str| {
                page.split_once("<pre>")
                    .and_then(|(_, rest)| rest.split_once("/rooms"))
                    .map(|(verb, _)| verb.to_owned())
            };
            if verb(recorded) != verb(text) && recorded != text {
                wrong.push(format!("text {text:?} instead of {recorded:?}"));
            }
        }
    }

    /// Remembers under which id a thing is known here.
    fn learn(&self, stage: &mut Stage, recorded: &Value, given: &Value) {
        let made = matches!(self.request["method"].as_str(), Some("POST"))
            && self.response["status"] == 200;
        if let (true, Some(old), Some(new)) = (made, recorded["id"].as_str(), given["id"].as_str())
            && old != new
        {
            stage.names.insert(old.to_owned(), new.to_owned());
        }
    }

    /// A long list as the recordings keep it: the first three and the last.
    fn shortened(&self, given: Value, wrong: &mut Vec<String>) -> Value {
        let (Some(length), Value::Array(items)) = (self.response["length"].as_u64(), &given) else {
            return given;
        };
        if length != items.len() as u64 {
            wrong.push(format!("{} items instead of {length}", items.len()));
        }
        let kept = items.iter().take(3).chain(items.last()).cloned();
        Value::Array(kept.collect())
    }
}
